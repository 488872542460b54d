import { timingSafeEqual } from 'node:crypto'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import type { Principal } from '../identity/principal.ts'
import type { Pump } from './pump.ts'

/** A session that lives now. */
export interface LiveSession {
  readonly id: string
  readonly connection: string
  readonly principal: Principal
  /** What CancelRequest must name: the broker's own, never the target's. */
  readonly pid: number
  readonly key: Buffer
  pump: Pump | null
}

/** The sessions that live now: to find, cancel, end and count them. */
export class Sessions {
  private readonly byId = new Map<string, LiveSession>()
  private readonly byPid = new Map<number, LiveSession>()
  private readonly perPerson: number

  constructor(perPerson: number) {
    this.perPerson = perPerson
  }

  get size(): number {
    return this.byId.size
  }

  /** Throws when the person has as many as allowed. */
  add(session: LiveSession): void {
    const own = [...this.byId.values()].filter((each) => isSame(each.principal, session.principal))
    if (own.length >= this.perPerson) {
      throw new HoopError({
        code: 'too_many_sessions',
        message: `you have ${own.length} sessions open, which is all that one person may have`,
        hint: 'close one of them: hoop sessions list',
        exit: EXIT.refused,
        fault: 'client',
      })
    }
    this.byId.set(session.id, session)
    this.byPid.set(session.pid, session)
  }

  remove(session: LiveSession): void {
    this.byId.delete(session.id)
    this.byPid.delete(session.pid)
  }

  hasPid(pid: number): boolean {
    return this.byPid.has(pid)
  }

  /** CancelRequest: only the person's own, and only with the right key. */
  cancel(principal: Principal, pid: number, key: Buffer): void {
    const session = this.byPid.get(pid)
    if (session === undefined || !isSame(session.principal, principal)) return
    if (key.length !== session.key.length || !timingSafeEqual(key, session.key)) return
    session.pump?.cancel()
  }

  get(id: string): LiveSession | null {
    return this.byId.get(id) ?? null
  }

  endAll(message: string, hint: string): void {
    for (const session of [...this.byId.values()]) session.pump?.kill(message, hint)
  }
}

function isSame(a: Principal, b: Principal): boolean {
  return a.issuer === b.issuer && a.subject === b.subject
}
