import type { ExecEvent } from '../../protocol/api/exec.ts'
import type { Principal } from '../identity/principal.ts'

/** broker/session/exec.ts: one statement or a file, run for a person without a tunnel. */
export interface ExecService {
  /**
   * Faults before the first event are thrown (HoopError); later ones end the stream with `error`.
   * The signal says that the caller is gone: a request that waits is then cancelled.
   */
  run(order: ExecOrder): AsyncIterable<ExecEvent>
}

export type ExecOrder = {
  readonly caller: Principal
  /** The caller's address, for the record. */
  readonly remote: string
  readonly signal: AbortSignal
} & (
  | {
      readonly type: 'sql'
      readonly connection: string
      /** Null: the connection's first. */
      readonly database: string | null
      readonly sql: string
      readonly reason: string | null
      readonly breakGlass: boolean
      readonly wait: boolean
      /** Null: until it expires. */
      readonly waitMs: number | null
    }
  /** Runs an approved request of the caller, once. */
  | { readonly type: 'request'; readonly request: string }
)
