import type { Runtime, Timer } from '../runtime.ts'
import { meet } from '../store/keys.ts'
import { waysOf } from '../store/requests.ts'
import type {
  AppliedRule,
  Need,
  Outcome,
  Proposal,
  Rejections,
  RequestContent,
  RequestFilter,
  RequestRecord,
  Separation,
  Spool,
  Store,
  Version,
} from '../store/store.ts'
import * as errors from './errors.ts'
import { type Escalation, escalated } from './escalation.ts'
import type { Decider, Person } from './person.ts'
import { personOf } from './person.ts'
import type { Nudge } from './steps.ts'
import * as steps from './steps.ts'
import { Waiters } from './waiters.ts'

export interface NewRequest {
  readonly id?: string
  readonly kind: RequestContent['kind']
  readonly session: string | null
  readonly requester: Person
  readonly connection: string
  readonly database: string
  readonly statement: string
  readonly parameters: readonly (string | null)[]
  readonly class: string
  readonly effect: string
  readonly digest: string
  readonly size: number
  readonly reason: string | null
  readonly needs: readonly Need[]
  /** All ways to approve it, where there are several. */
  readonly alternatives?: readonly (readonly Need[])[]
  /** Who may decide, too, after a silence. */
  readonly escalate?: readonly Escalation[]
  readonly separate?: readonly Separation[]
  /** Who last changed what it goes by; nobody, unless said. */
  readonly rule?: AppliedRule
  readonly expiresAt: number
  readonly inTransaction: boolean
  /** Anything that JSON can hold. */
  readonly facts: unknown
  readonly spool?: Spool | null
  readonly policyVersion: number
  /** Of a request for a change: what it would bring. */
  readonly proposal?: Proposal | null
}

/** Where people are asked and answer. Every answer is on the disk before it is told to anybody. */
export interface Desk {
  /** Throws too_many_pending. */
  open(request: NewRequest): Promise<RequestRecord>
  /** Resolves when it is no longer pending. */
  decided(id: string, signal?: AbortSignal): Promise<RequestRecord>
  approve(id: string, by: Decider, options?: steps.ApproveOptions): Promise<RequestRecord>
  reject(id: string, by: Decider, reason: string): Promise<RequestRecord>
  cancel(id: string, by: Decider | 'session', why: string | null): Promise<RequestRecord>
  ask(id: string, by: Decider, text: string): Promise<RequestRecord>
  answer(id: string, by: Decider, text: string): Promise<RequestRecord>
  /**
   * May `by` use this window or emergency now: with a fresh token, as the one it is for, all who take
   * part being different persons? Throws otherwise.
   */
  confirm(id: string, by: Decider): Promise<void>
  /** Tells people of a request that still waits; of another nothing. */
  nudge(id: string, event: Nudge, detail: string | null): Promise<void>
  /** Ends a window that is open. */
  revoke(id: string, by: Decider, why: string | null): Promise<RequestRecord>
  /**
   * approved → executed, exactly once, by the person it was given for; throws otherwise. When it
   * resolves, that is on the disk: only then may the bytes be sent.
   */
  spend(id: string, digest: string, by: Decider): Promise<RequestRecord>
  settle(id: string, outcome: Omit<Outcome, 'at'>): Promise<RequestRecord>
  /** approved → executed with the version that it brings, and its outcome, all or nothing of it. */
  enact(id: string, digest: string, bring: Bring): Promise<RequestRecord>
  /** Throws unknown_request. */
  get(id: string): Promise<RequestRecord>
  rejectedBefore(request: RequestRecord): Promise<Rejections>
  /** Newest first; long statements come as excerpts. */
  list(filter?: RequestFilter): Promise<readonly RequestRecord[]>
  /** Called after every change, in order; gives the way to stop. */
  onChange(handler: (request: RequestRecord) => unknown): () => void
  close(): Promise<void>
}

/** The version that an approved change brings, as it is at that moment. */
export type Bring = (request: RequestRecord, now: number) => Version

export interface DeskOptions {
  readonly store: Store
  readonly runtime: Pick<Runtime, 'now' | 'id' | 'setTimer'>
  /** An approval that is not used for so long expires. */
  readonly spendWithin: number
  /** So many requests of one person wait on one connection, no more. */
  readonly maxPending: number
  /** Told of what went wrong where nobody could be told: a timer, a handler. */
  readonly onFault: (error: unknown) => void
}

/** Closes what an earlier run of the broker left open, then takes requests. */
export async function openDesk(options: DeskOptions): Promise<Desk> {
  const desk = new StoredDesk(options)
  await desk.recover()
  return desk
}

class StoredDesk implements Desk {
  readonly #store: Store
  readonly #options: DeskOptions
  readonly #waiters = new Waiters<RequestRecord>()
  readonly #handlers = new Set<(request: RequestRecord) => unknown>()
  #timer: Timer | null = null
  #closed = false

  constructor(options: DeskOptions) {
    this.#options = options
    this.#store = options.store
  }

  async open(request: NewRequest): Promise<RequestRecord> {
    this.#requireOpen()
    const { expiresAt, proposal = null, escalate = [], ...content } = request
    const asked = await this.#whoAsks(request)
    const now = this.#now()
    const { maxPending } = this.#options
    const plain = { needs: request.needs, alternatives: request.alternatives ?? [], opens: [] }
    const opened = await this.#store.requests.insertBelow(
      maxPending,
      {
        ...content,
        ...asked,
        id: request.id ?? this.#options.runtime.id('r'),
        ...(escalate.length === 0 ? plain : escalated(waysOf(plain), escalate, now)),
        separate: request.separate ?? [],
        size: Math.max(request.size, sizeOf(request)),
        spool: request.spool ?? null,
      },
      { state: 'pending', at: now, until: Math.floor(expiresAt), by: null, why: null },
      proposal,
    )
    if (opened === null) throw errors.tooManyPending(maxPending, content.connection)
    this.#tell(opened)
    return opened
  }

  /** With all their accounts; not by a rule that they changed themselves. */
  async #whoAsks({
    requester,
    rule,
  }: NewRequest): Promise<Pick<RequestContent, 'requester' | 'rule'>> {
    const { labels, authors } = rule ?? { labels: [], authors: [] }
    const join = await this.#store.people.joining([...requester.keys, ...authors])
    const { keys } = join(requester.keys)
    const all = authors.length > 0 ? join(authors).keys : []
    if (meet(keys, all)) throw errors.ownRule(labels)
    return { requester: { ...personOf(requester), keys }, rule: { labels, authors: all } }
  }

  async decided(id: string, signal?: AbortSignal): Promise<RequestRecord> {
    this.#requireOpen()
    signal?.throwIfAborted()
    const bell = this.#waiters.wait(id)
    const abort = () => bell.stop(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      // Asked after the bell is hung up: what happens between is rung, too.
      const now = await this.get(id)
      return now.state === 'pending' ? await bell.rung : now
    } finally {
      signal?.removeEventListener('abort', abort)
      bell.stop()
    }
  }

  approve(id: string, by: Decider, options: steps.ApproveOptions = {}): Promise<RequestRecord> {
    const { spendWithin } = this.#options
    return this.#step(id, by, (r, at) => steps.approve(r, by, options, at, spendWithin))
  }

  reject(id: string, by: Decider, reason: string): Promise<RequestRecord> {
    return this.#step(id, by, (request, at) => steps.reject(request, by, reason, at))
  }

  cancel(id: string, by: Decider | 'session', why: string | null): Promise<RequestRecord> {
    return this.#step(id, by === 'session' ? null : by, (r, at) => steps.cancel(r, by, why, at))
  }

  ask(id: string, by: Decider, text: string): Promise<RequestRecord> {
    return this.#step(id, by, (request, at) => steps.ask(request, by, text, at))
  }

  answer(id: string, by: Decider, text: string): Promise<RequestRecord> {
    return this.#step(id, by, (request, at) => steps.answer(request, by, text, at))
  }

  async confirm(id: string, by: Decider): Promise<void> {
    await this.#step(id, by, (request, at) => steps.confirm(request, by, at))
  }

  async nudge(id: string, event: Nudge, detail: string | null): Promise<void> {
    await this.#step(id, null, (request, at) => steps.nudge(request, event, detail, at))
  }

  revoke(id: string, by: Decider, why: string | null): Promise<RequestRecord> {
    return this.#step(id, by, (request, at) => steps.revoke(request, by, why, at))
  }

  spend(id: string, digest: string, by: Decider): Promise<RequestRecord> {
    return this.#step(id, by, (request, at) => steps.spend(request, digest, by, at))
  }

  settle(id: string, outcome: Omit<Outcome, 'at'>): Promise<RequestRecord> {
    return this.#step(id, null, (request, at) => steps.settle(request, outcome, at))
  }

  enact(id: string, digest: string, bring: Bring): Promise<RequestRecord> {
    return this.#step(id, null, (request, at) => steps.enact(request, digest, bring, at))
  }

  async get(id: string): Promise<RequestRecord> {
    const request = await this.#store.requests.read(id)
    if (request === null) throw errors.unknownRequest(id)
    return request
  }

  rejectedBefore(request: RequestRecord): Promise<Rejections> {
    return this.#store.requests.rejectedBefore(request)
  }

  async list(filter: RequestFilter = {}): Promise<readonly RequestRecord[]> {
    const { requester } = filter
    if (requester === undefined) return this.#store.requests.list(filter)
    const { keys } = (await this.#store.people.joining(requester.keys))(requester.keys)
    return this.#store.requests.list({ ...filter, requester: { keys } })
  }

  onChange(handler: (request: RequestRecord) => unknown): () => void {
    this.#handlers.add(handler)
    return () => this.#handlers.delete(handler)
  }

  close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    this.#timer = null
    this.#waiters.refuseAll(errors.closed())
    return Promise.resolve()
  }

  /** Sessions do not outlive the broker, nor do the statements that were held in them. */
  async recover(): Promise<void> {
    const states = ['pending', 'approved'] as const
    await this.#sweep()
    for (const { id } of await this.list({ states, kind: 'statement', limit: null })) {
      await this.cancel(id, 'session', 'the broker was restarted')
    }
    for (const { id } of await this.list({ unsettled: true, limit: null })) {
      await this.settle(id, { status: 'unknown', sqlstate: null, rows: null })
    }
    await this.#arm()
  }

  /** One change, whole or not at all; then it is told. */
  async #step(
    id: string,
    by: Person | null,
    step: (request: RequestRecord, at: steps.Moment) => steps.Step,
  ): Promise<RequestRecord> {
    this.#requireOpen()
    let taken: steps.Step = { additions: [], refusal: null }
    const changed = await this.#store.requests.add(id, by?.keys ?? [], (request, join) => {
      taken = step(request, { now: this.#now(), join })
      return taken.additions
    })
    if (changed === null) throw errors.unknownRequest(id)
    if (taken.additions.length) this.#tell(changed)
    if (taken.refusal) throw taken.refusal
    return changed
  }

  #tell(request: RequestRecord): void {
    for (const handler of this.#handlers) this.#guard(() => handler(request))
    if (request.state !== 'pending') this.#waiters.ring(request.id, request)
    this.#guard(() => this.#arm())
  }

  /** One timer, for the request that ends first. */
  async #arm(): Promise<void> {
    const due = await this.#store.requests.nextDue()
    this.#timer?.cancel()
    this.#timer = null
    if (due === null || this.#closed) return
    const wait = Math.max(0, due - this.#now())
    this.#timer = this.#options.runtime.setTimer(wait, () => this.#guard(() => this.#expire()))
  }

  async #expire(): Promise<void> {
    await this.#sweep()
    await this.#arm()
  }

  async #sweep(): Promise<void> {
    const states = ['pending', 'approved'] as const
    for (const { id } of await this.list({ states, dueAt: this.#now(), limit: null })) {
      await this.#step(id, null, steps.expire)
    }
  }

  /** A handler that fails is its owner's fault and stops nothing here. */
  #guard(work: () => unknown): void {
    const run = async () => work()
    run().catch((error) => this.#closed || this.#options.onFault(error))
  }

  #now(): number {
    return Math.floor(this.#options.runtime.now())
  }

  #requireOpen(): void {
    if (this.#closed) throw errors.closed()
  }
}

/** Never less than what is shown: the rule of the 64 kB must not depend on the caller's sum. */
function sizeOf(request: NewRequest): number {
  const texts = [request.statement, ...request.parameters]
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), 0)
  return bytes + (request.spool?.size ?? 0)
}
