/** Where something is decided or executed, groups and roles are believed for so long after their token was issued. */
export const FRESH_MS = 60_000

/** A token this young will still be fresh when it is needed: what the CLI renews by, in the background. */
export const YOUNG_MS = 25_000

/** No slack is added: clocks may differ by less than a token is young, and whole seconds round it older. */
export function isFresh({ issuedAt }: { readonly issuedAt: number }, now: number): boolean {
  return now - issuedAt <= FRESH_MS
}
