import type { FastifyInstance } from 'fastify'
import type { Connection } from '../../protocol/api/connections.ts'
import type { Check } from '../../protocol/api/doctor.ts'
import type { Explanation } from '../../protocol/api/explain.ts'
import type { Discovery } from '../../protocol/api/identity.ts'
import type { Approve, Duties, Request } from '../../protocol/api/requests.ts'
import type { AskWindow } from '../../protocol/api/windows.ts'
import type { ChangeService } from '../changes/service.ts'
import type { Authenticator } from '../identity/authenticator.ts'
import type { Principal } from '../identity/principal.ts'
import type { Runtime } from '../runtime.ts'
import type { ExecService } from '../session/exec-order.ts'

/** What the API asks of the rest of the broker. main.ts gives it. */
export interface ApiDeps {
  readonly authenticator: Authenticator
  readonly discovery: Discovery
  readonly requests: RequestService
  readonly windows: WindowService
  readonly connections: ConnectionService
  readonly changes: ChangeService
  readonly explain: ExplainService
  readonly exec: ExecService
  readonly doctor: DoctorService
  readonly runtime: Runtime
  /** Told of everybody who calls, so that `sod explain` can name them. */
  readonly saw?: (caller: Principal) => void | Promise<void>
  /** Routes of other parts, below the same hook: broker/api/sessions.ts. */
  readonly routes?: readonly ((app: FastifyInstance) => void | Promise<void>)[]
}

/**
 * Requests as the API shows them: desk.ts behind present.ts. Who may see a request is decided by the
 * service (requester, those who could decide, auditors); to all others it does not exist.
 */
export interface RequestService {
  list(caller: Principal, view: RequestView): Promise<readonly Request[]>
  get(caller: Principal, id: string): Promise<Request>
  /** The whole of the statement, byte for byte. */
  statement(caller: Principal, id: string): Promise<Buffer>
  approve(caller: Principal, id: string, how: Approve): Promise<Request>
  reject(caller: Principal, id: string, reason: string): Promise<Request>
  cancel(caller: Principal, id: string, reason: string | null): Promise<Request>
  /** By those who could decide it; changes nothing. */
  ask(caller: Principal, id: string, text: string): Promise<Request>
  /** By the requester. */
  answer(caller: Principal, id: string, text: string): Promise<Request>
  /** Ends a window that is open. */
  revoke(caller: Principal, id: string, reason: string | null): Promise<Request>
  duties(caller: Principal, id: string): Promise<Duties>
  /** Calls back with every request of the view that is new or changed (of the inbox: decided, too). */
  watch(
    caller: Principal,
    view: RequestView['view'],
    handler: (request: Request) => void,
  ): Subscription
}

export interface RequestView {
  readonly view: 'inbox' | 'mine' | 'all'
  readonly connection?: string | undefined
  readonly limit: number
}

export interface Subscription {
  cancel(): void
}

export interface WindowService {
  ask(caller: Principal, asked: AskWindow): Promise<Request>
}

export interface ConnectionService {
  /** Those that the caller may request on, by name. */
  list(caller: Principal): Promise<readonly Connection[]> | readonly Connection[]
}

export interface ExplainService {
  explain(caller: Principal, connection: string, sql: string): Promise<Explanation>
}

export interface DoctorService {
  check(caller: Principal): Promise<readonly Check[]>
}

export type { ChangeService } from '../changes/service.ts'
export type { ExecOrder, ExecService } from '../session/exec-order.ts'
