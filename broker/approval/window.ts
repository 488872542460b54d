import { WindowTerms } from '../../protocol/api/windows.ts'
import type { RequestRecord } from '../store/store.ts'

/** What an approver of a window decides on; it stands in the request's facts, which never change. */
export function windowFacts(window: WindowTerms): { readonly window: WindowTerms } {
  return { window }
}

/** Null: the request is no window, or is not understood (then it opens nothing). */
export function windowOf({
  kind,
  facts,
}: Pick<RequestRecord, 'kind' | 'facts'>): WindowTerms | null {
  if (kind !== 'window' && kind !== 'break_glass') return null
  const found = WindowTerms.safeParse((facts as { window?: unknown } | null)?.window)
  return found.success ? found.data : null
}

/** Is the emergency going on? Its review may be long after it. */
export function isRunning(request: RequestRecord, now: number): boolean {
  const terms = windowOf(request)
  return terms !== null && now < request.createdAt + terms.for_ms
}

/** A review is owed until somebody has made it, and made for good: a hundred years. */
export const FOREVER = 100 * 365 * 86_400_000
