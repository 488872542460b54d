import type { Runtime, Timer } from '../runtime.ts'
import type { RequestRecord } from '../store/store.ts'
import type { Desk } from './desk.ts'

/** What a connection's policy says of requests that nobody decides. */
export interface Silence {
  /** Milliseconds between reminders; null: none. */
  readonly remindAfter: number | null
  /** When who may decide, too: what they are told then, the request has said from its beginning. */
  readonly escalate: readonly { readonly after: number; readonly to: string }[]
}

export interface NudgeOptions {
  readonly desk: Pick<Desk, 'list' | 'onChange' | 'nudge'>
  readonly runtime: Pick<Runtime, 'now' | 'setTimer'>
  readonly silenceOf: (connection: string) => Silence
  readonly onFault: (error: unknown) => void
}

interface Nudge {
  readonly at: number
  readonly event: 'reminder' | 'escalated'
  readonly detail: string | null
}

/** Reminds of requests that wait, and says when others may decide them, too. Gives the way to stop. */
export async function startNudges(options: NudgeOptions): Promise<() => void> {
  const { desk, runtime, onFault } = options
  // Null: nothing falls due any more.
  const timers = new Map<string, Timer | null>()
  const drop = (id: string): void => {
    timers.get(id)?.cancel()
    timers.delete(id)
  }
  const arm = (request: RequestRecord, after: number): void => {
    timers.get(request.id)?.cancel()
    timers.set(request.id, null)
    const next = nextNudges(request, options.silenceOf(request.connection), after)
    const at = next[0]?.at ?? request.expiresAt
    if (at >= request.expiresAt) return
    const fire = (): void => {
      arm(request, at)
      for (const { event, detail } of next) desk.nudge(request.id, event, detail).catch(onFault)
    }
    timers.set(request.id, runtime.setTimer(Math.max(0, at - runtime.now()), fire))
  }
  const stop = desk.onChange((request) => {
    if (request.state !== 'pending') drop(request.id)
    else if (!timers.has(request.id)) arm(request, request.createdAt)
  })
  // What fell due while no broker ran is not made up for: the next reminder comes soon enough.
  for (const request of await desk.list({ states: ['pending'], limit: null })) {
    if (!timers.has(request.id)) arm(request, runtime.now())
  }
  return () => {
    stop()
    for (const id of [...timers.keys()]) drop(id)
  }
}

/** All that fall due at the first moment behind `after` at which any does. */
function nextNudges(
  { createdAt }: RequestRecord,
  silence: Silence,
  after: number,
): readonly Nudge[] {
  const { remindAfter, escalate } = silence
  const steps = escalate.map((step): Nudge => {
    return { at: createdAt + step.after, event: 'escalated', detail: step.to }
  })
  if (remindAfter !== null) {
    const past = Math.floor((after - createdAt) / remindAfter)
    steps.push({ at: createdAt + (past + 1) * remindAfter, event: 'reminder', detail: null })
  }
  const due = steps.filter(({ at }) => at > after)
  const first = Math.min(...due.map(({ at }) => at))
  return due.filter(({ at }) => at === first)
}
