import { test } from 'node:test'
import { type Desk, type NewRequest, openDesk } from '../../../broker/approval/desk.ts'
import type { Decider } from '../../../broker/approval/person.ts'
import { createRequestService } from '../../../broker/approval/service.ts'
import { idFrom, type Runtime } from '../../../broker/runtime.ts'
import { ownKeys } from '../../../broker/store/keys.ts'
import { openStore } from '../../../broker/store/open.ts'
import { joined } from '../../../broker/store/people.ts'
import type { Join, Store } from '../../../broker/store/store.ts'

/** A clock that moves when it is told, and fires its timers on the way. */
export class FakeRuntime implements Runtime {
  time = 1_000_000
  #ids = 0
  readonly #timers = new Set<{ at: number; run: () => void }>()

  now(): number {
    return this.time
  }

  monotonic(): number {
    return this.time
  }

  processorTime(): number {
    return this.time
  }

  random(bytes: number): Buffer {
    return Buffer.alloc(bytes, 7)
  }

  id(prefix: 'r' | 's' | 'j'): string {
    const bytes = Buffer.alloc(10)
    bytes.writeUInt8(this.#ids++ % 32, 9)
    bytes.writeUInt8(Math.floor(this.#ids / 32) % 32, 8)
    return idFrom(prefix, bytes)
  }

  setTimer(ms: number, run: () => void): { cancel(): void } {
    const timer = { at: this.time + ms, run }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  advance(ms: number): void {
    this.time += ms
    for (const timer of [...this.#timers]) {
      if (timer.at > this.time) continue
      this.#timers.delete(timer)
      timer.run()
    }
  }

  get timers(): number {
    return this.#timers.size
  }
}

export interface Office {
  readonly runtime: FakeRuntime
  readonly store: Store
  readonly desk: Desk
  readonly faults: unknown[]
  close(): Promise<void>
}

export const HOUR = 3_600_000
export const MOST_PENDING = 500

export async function openOffice(dataDir: string | null = null): Promise<Office> {
  const runtime = new FakeRuntime()
  const store = await openStore({ dataDir, now: () => runtime.now() })
  const maxPending = MOST_PENDING
  const faults: unknown[] = []
  const onFault = (error: unknown) => void faults.push(error)
  const desk = await openDesk({ store, runtime, spendWithin: 2 * HOUR, maxPending, onFault })
  const close = async () => {
    await desk.close()
    await store.close()
  }
  return { runtime, store, desk, faults, close }
}

export function person(subject: string, groups: string, more: Partial<Decider> = {}): Decider {
  const account = { issuer: 'idp', subject, email: `${subject}@example.test`, ...more }
  return {
    ...account,
    keys: ownKeys(account),
    machine: false,
    groups: groups.split(' '),
    roles: ['requester', 'approver'],
    issuedAt: Number.POSITIVE_INFINITY,
    ...more,
  }
}

/** Nobody has another account. */
export const alone: Join = joined([])

export const alice = person('alice', 'engineers dba')
export const bob = person('bob', 'dba')
export const dave = person('dave', 'engineers dba security')
export const carol = person('carol', 'security', { roles: ['auditor'] })
export const erin = person('erin', 'oncall')

export const DIGEST = 'a'.repeat(64)

export function request(runtime: FakeRuntime, more: Partial<NewRequest> = {}): NewRequest {
  return {
    kind: 'statement',
    session: 's-0000000001',
    requester: alice,
    connection: 'pg-prod',
    database: 'app',
    statement: 'update people set salary = 1',
    parameters: [],
    class: 'write',
    effect: 'changes people',
    digest: DIGEST,
    size: 28,
    reason: null,
    needs: [{ group: 'dba', count: 1 }],
    expiresAt: runtime.now() + HOUR,
    inTransaction: false,
    facts: null,
    policyVersion: 1,
    ...more,
  }
}

/** Lets everything that is due in this turn of the loop happen. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** A test with the desk as the API shows it. */
type Service = ReturnType<typeof createRequestService>

export function office(
  what: string,
  run: (office: Office & { service: Service }) => Promise<void>,
): void {
  test(what, async () => {
    const opened = await openOffice()
    const { desk, store, runtime } = opened
    const service = createRequestService(desk, store, () => runtime.now())
    try {
      await run({ ...opened, service })
    } finally {
      await opened.close()
    }
  })
}
