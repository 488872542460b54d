import { HoopError } from '../../protocol/errors.ts'
import type { RefusedMessage } from '../../protocol/tunnel/messages.ts'

/** The broker's own "no", with what a PostgreSQL client is told of it. */
export class TunnelRefused extends HoopError {
  readonly sqlstate: string

  constructor({ code, message, hint, exit, sqlstate }: RefusedMessage) {
    super({ code, message, exit, fault: 'policy', ...(hint === null ? {} : { hint }) })
    this.sqlstate = sqlstate
  }
}
