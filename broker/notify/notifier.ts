import type { Check } from '../../protocol/api/doctor.ts'
import type { NotifyConfig } from '../config.ts'
import type { EndpointState } from '../store/outbox.ts'
import { Courier, type CourierOptions } from './courier.ts'
import { sender } from './send.ts'

export interface Notifier {
  /** Something happened: what waits is told. */
  ring(): void
  /** For `hoop doctor`: how each endpoint does. */
  checks(): Promise<readonly Check[]>
  close(): Promise<void>
}

export interface NotifierOptions extends Omit<CourierOptions, 'endpoint' | 'send'> {
  readonly endpoints: readonly NotifyConfig[]
}

/** Begins with what an earlier run of the broker left. */
export function startNotifier(options: NotifierOptions): Notifier {
  const { endpoints, store, runtime } = options
  const couriers = endpoints.map(
    (endpoint) => new Courier({ ...options, endpoint, send: sender(endpoint, runtime) }),
  )
  const ring = (): void => {
    for (const courier of couriers) courier.ring()
  }
  ring()
  return {
    ring,
    checks: async () => (await store.outbox.states()).map((state) => check(state, runtime.now())),
    close: async () => {
      await Promise.all(couriers.map((courier) => courier.close()))
    },
  }
}

function check(state: EndpointState, now: number): Check {
  const name = `notify ${state.name}`
  const lost = state.givenUp === 0 ? '' : `; ${state.givenUp} were given up`
  const waits = state.waiting === 0 ? 'nothing waits' : `${state.waiting} wait${age(state, now)}`
  if (state.failingSince === null) {
    const status = state.givenUp === 0 ? 'ok' : 'warn'
    return { name, status, message: `${waits}${lost}`, hint: null }
  }
  const since = new Date(state.failingSince).toISOString()
  return {
    name,
    status: 'fail',
    message: `it fails since ${since}: ${state.lastError ?? 'unknown'}; ${waits}${lost}`,
    hint: 'check its address and key in the configuration: docs/notifications.md',
  }
}

function age({ oldest }: EndpointState, now: number): string {
  if (oldest === null) return ''
  return `, the oldest for ${Math.max(0, Math.round((now - oldest) / 1000))} s`
}
