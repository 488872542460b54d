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
