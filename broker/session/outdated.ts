import { decide, type Question } from '../policy/decide.ts'
import type { Asked, ConnectionPolicy } from '../policy/policy.ts'
import { waysOf } from '../policy/ways.ts'
import type { Refused } from './holds.ts'

/**
 * People agreed to what the rules asked for at that time. Where the rules are others by now, and
 * deny it or ask others, it does not run on what was agreed. `guessed` counts this one already.
 */
export function outdated(
  question: Omit<Question, 'guessed'>,
  policy: ConnectionPolicy,
  asked: Asked,
): Refused | null {
  const verdict = decide({ ...question, guessed: 0 }, policy)
  if (verdict.decision === 'allow') return null
  const same = (one: Asked) => JSON.stringify(waysOf(one)) === JSON.stringify(waysOf(asked))
  return verdict.decision === 'hold' && same(verdict) ? null : OUTDATED
}

const OUTDATED: Refused = {
  kind: 'refused',
  sqlstate: '42501',
  message: 'the policy was changed while it waited for approval, and asks for something else now',
  hint: 'nothing was run; run it again to be judged anew',
}
