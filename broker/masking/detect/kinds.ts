/** What is looked for. */
export const KINDS = [
  'card',
  'ssn',
  'iban',
  'email',
  'phone',
  'jwt',
  'private_key',
  'cloud_key',
] as const

export type Kind = (typeof KINDS)[number]

/** Kinds as numbers, and sets of them as bits. */
export const CARD = 0
export const SSN = 1
export const IBAN = 2
export const EMAIL = 3
export const PHONE = 4
export const JWT = 5
export const PRIVATE_KEY = 6
export const CLOUD_KEY = 7

export function has(kinds: number, kind: number): boolean {
  return (kinds & (1 << kind)) !== 0
}

/** What was found, as places in the bytes that were looked through; used again for each value. */
export class Hits {
  readonly starts: number[] = []
  readonly ends: number[] = []
  readonly kinds: number[] = []

  get count(): number {
    return this.starts.length
  }

  add(kind: number, start: number, end: number): void {
    this.starts.push(start)
    this.ends.push(end)
    this.kinds.push(kind)
  }

  /** Was one that begins there found before, by another of its marks? */
  knows(kind: number, start: number): boolean {
    for (let at = this.count - 1; at >= 0; at--) {
      if (this.kinds[at] === kind && this.starts[at] === start) return true
    }
    return false
  }

  clear(): void {
    this.starts.length = 0
    this.ends.length = 0
    this.kinds.length = 0
  }
}
