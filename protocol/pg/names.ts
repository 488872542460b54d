import type { Shape } from './execution.ts'
import type { BindTail } from './frontend.ts'
import type { StatementFacts } from './statement.ts'

/** Stands for what names mean at the target, by identity: another object, another meaning. */
export type Knowledge = object

/** A prepared statement. It never changes: a new Parse makes a new one under a new name. */
export interface Prepared {
  /** What the target calls it. */
  readonly upstream: string
  /** Made by Parse, or by SQL PREPARE (which keeps the client's name). */
  readonly origin: 'protocol' | 'sql'
  readonly text: Buffer
  /** What the target is sent, where it differs from `text`. */
  readonly sentText: Buffer
  readonly types: Buffer
  /** The OIDs in `types`. */
  readonly typeOids: readonly number[]
  /** Null: an empty text, or one that nobody could parse (see `kind`). */
  readonly facts: StatementFacts | null
  readonly underlying: Buffer | null
  readonly kind: 'statement' | 'empty' | 'unparsed'
  /** The command tag that the client sees, where `sentText` would give another. */
  readonly tag: string | null
  /** When the facts were right. */
  knownAt: Knowledge
  onTarget: boolean
}

/** A portal: its statement and parameters stay as they were at Bind, or at DECLARE. */
export interface Portal {
  readonly upstream: string
  readonly origin: 'protocol' | 'sql'
  readonly prepared: Prepared
  readonly tail: BindTail | null
  /** True: answered to the client, not sent to the target yet. */
  deferred: boolean
  /** Described since it was bound. */
  shape: Shape | null | undefined
}

const MOST = 10_000

/** Names that the broker keeps for itself on the target. */
export const RESERVED = 'hoop_'

/**
 * The one name space of prepared statements and of portals, whether made by protocol or by SQL.
 * The client's names are keys; what the target is sent are the `upstream` names in the values.
 */
export class Names {
  readonly statements = new Map<string, Prepared>()
  readonly portals = new Map<string, Portal>()
  private count = 0
  /** Statements that the target still has and nobody can name any more. */
  private garbage: string[] = []

  /** What one session may keep: each costs memory here and at the target. */
  get isFull(): boolean {
    return this.statements.size >= MOST || this.portals.size >= MOST
  }

  fresh(): string {
    return `${RESERVED}${++this.count}`
  }

  setStatement(name: string, prepared: Prepared): void {
    this.dropStatement(name)
    this.statements.set(name, prepared)
  }

  dropStatement(name: string): Prepared | null {
    const old = this.statements.get(name)
    if (old === undefined) return null
    this.statements.delete(name)
    if (old.origin === 'protocol' && old.onTarget) this.garbage.push(old.upstream)
    return old
  }

  /** A simple query ends the unnamed statement and the unnamed portal. */
  dropUnnamed(): void {
    if (this.statements.has('')) this.dropStatement('')
    this.portals.delete('')
  }

  dropUnnamedPortal(): void {
    this.portals.delete('')
  }

  get hasGarbage(): boolean {
    return this.garbage.length > 0
  }

  /** Upstream names to close with the next message; the caller closes them. */
  takeGarbage(): string[] {
    if (this.garbage.length === 0) return NONE
    const names = this.garbage
    this.garbage = []
    return names
  }

  /** DISCARD ALL, DEALLOCATE ALL. */
  clearStatements(): void {
    this.statements.clear()
    this.garbage = []
  }

  /** The end of a transaction ends its portals; a cursor WITH HOLD may live on. */
  endTransaction(): void {
    if (this.portals.size === 0) return
    for (const [name, portal] of this.portals) {
      if (portal.origin === 'protocol') this.portals.delete(name)
    }
  }
}

const NONE: string[] = []
