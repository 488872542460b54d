import { HoopError } from '../../protocol/errors.ts'
import type { Desk } from '../approval/desk.ts'
import { type Decider, nameOf } from '../approval/person.ts'
import type { Config } from '../config.ts'
import type { Runtime } from '../runtime.ts'
import {
  CHANGE_KINDS,
  type ChangeKind,
  type Proposal,
  type RequestRecord,
  type Store,
  type Version,
} from '../store/store.ts'
import { type Book, digestOfText } from './book.ts'
import * as errors from './errors.ts'
import { digestOfChange, type Wording } from './wording.ts'

export interface ChangeParts {
  readonly config: Config
  readonly store: Pick<Store, 'versions'>
  readonly desk: Desk
  readonly book: Book
  readonly runtime: Pick<Runtime, 'now' | 'id'>
  /** Records that a version comes into force; throws if that cannot be recorded. */
  readonly record: (version: Version, deciders: readonly string[]) => void
  readonly onFault: (error: unknown) => void
}

/** What is asked for, by whom and why. */
export interface Wish extends Wording {
  readonly proposal: Proposal
  readonly reason: string | null
  /** Of the connection that it concerns; hoop itself, unless said. */
  readonly connection?: string
  readonly id?: string
}

/** Requests stand under a connection's name: changes of hoop itself under this one. */
const ITSELF = 'hoop'

const OPEN = ['pending', 'approved'] as const

/** Asks another administrator, and puts in force what was approved: exactly that, and at once. */
export class Changes {
  readonly #parts: ChangeParts
  /** One comes into force after the other. */
  #turn: Promise<void> = Promise.resolve()

  private constructor(parts: ChangeParts) {
    this.#parts = parts
  }

  /** What was approved before the broker ended comes into force now. */
  static async open(parts: ChangeParts): Promise<Changes> {
    const changes = new Changes(parts)
    parts.desk.onChange((request) => changes.#changed(request))
    for (const kind of CHANGE_KINDS) {
      for (const request of await parts.desk.list({ kind, states: ['approved'], limit: null })) {
        changes.#changed(request)
      }
    }
    changes.#later(() => parts.store.versions.destroyUnused())
    await changes.#turn
    return changes
  }

  /** Throws unless the caller is an administrator; another one is asked then. */
  async ask(caller: Decider, wish: Wish): Promise<RequestRecord> {
    const { config, desk, runtime, book } = this.#parts
    const { proposal, statement, effect, reason, connection = ITSELF, id } = wish
    const [first, ...others] = config.identity.roles.admin
    if (first === undefined) throw errors.nobodyDecides()
    const needs = [{ group: first, count: 1 }]
    const alternatives = others.map((group) => [{ group, count: 1 }])
    return desk.open({
      ...(id === undefined ? {} : { id }),
      kind: proposal.kind,
      session: null,
      requester: caller,
      connection,
      database: '',
      statement,
      parameters: [],
      class: proposal.kind,
      effect,
      digest: digestOfChange(proposal),
      size: Buffer.byteLength(statement),
      reason,
      needs,
      ...(alternatives.length === 0 ? {} : { alternatives: [needs, ...alternatives] }),
      expiresAt: runtime.now() + config.approval.expiresAfter,
      inTransaction: false,
      facts: null,
      policyVersion: book.rules().version,
      proposal,
    })
  }

  #changed(request: RequestRecord): void {
    if (!isChange(request) || request.state === 'pending' || request.state === 'executed') return
    if (request.state === 'approved') this.#later(() => this.#enact(request))
    else if (request.kind === 'secret') {
      this.#later(() => this.#parts.store.versions.destroyUnused())
    }
  }

  #later(work: () => Promise<void>): void {
    this.#turn = this.#turn.then(work).catch(this.#parts.onFault)
  }

  async #enact(request: RequestRecord): Promise<void> {
    const { desk, store, book, record } = this.#parts
    const proposal = await store.versions.proposal(request.id)
    if (proposal === null) throw new Error(`${request.id} would bring nothing`)
    let version: Version | null = null
    try {
      await desk.enact(request.id, request.digest, (approved, at) => {
        version = versionOf(proposal, approved, at)
        const now = book.latest(proposal.kind, proposal.name)?.number ?? 0
        if (now !== proposal.base) throw errors.superseded(proposal.kind, proposal.name, now)
        record(
          version,
          approved.decisions.map(({ by }) => nameOf(by)),
        )
        return version
      })
    } catch (error) {
      if (!(error instanceof HoopError) || error.code !== 'superseded') throw error
      await desk.cancel(request.id, 'session', `${error.message}: ask again`)
      return
    }
    if (version !== null) await this.#inForce(version, proposal)
  }

  /** Whoever asked on what was in force before asks again: another text than the one read would change. */
  async #inForce(version: Version, { kind, name }: Proposal): Promise<void> {
    const { desk, store, book } = this.#parts
    book.take(version)
    const { message } = errors.superseded(kind, name, version.number)
    for (const { id } of await desk.list({ kind, states: OPEN, limit: null })) {
      const other = await store.versions.proposal(id)
      if (other?.name === name) await desk.cancel(id, 'session', `${message}: ask again`)
    }
    if (kind === 'secret') await store.versions.destroyUnused()
  }
}

function isChange(request: RequestRecord): request is RequestRecord & { kind: ChangeKind } {
  return CHANGE_KINDS.some((kind) => kind === request.kind)
}

function versionOf(
  { kind, name, base, body }: Proposal,
  { id, requester }: RequestRecord,
  at: number,
): Version {
  const digest = digestOfText(body)
  return { kind, name, number: base + 1, body, digest, request: id, authors: [requester], at }
}

/** Throws unless the caller is an administrator. */
export function requireAdmin(caller: Decider): void {
  if (!caller.roles.includes('admin')) throw errors.notAdmin()
}
