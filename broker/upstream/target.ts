import { EXIT, HoopError } from '../../protocol/errors.ts'

export interface TlsRules {
  /**
   * verify-full: the certificate is signed by a trusted authority and is for this name. verify-ca:
   * signed, whatever the name. require: encrypted, but nobody knows with whom. disable: in the clear.
   */
  readonly mode: 'disable' | 'require' | 'verify-ca' | 'verify-full'
  /** PEM text, or the path of a PEM file; absent: the authorities that Node trusts. */
  readonly ca?: string
  /** The name that the certificate must be for, where it is not `host`. */
  readonly serverName?: string
}

export interface PostgresTarget {
  /** Name or address; a path (`/run/postgresql`) is the folder of a unix socket, without TLS. */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  /** Asked for at each login and not kept. */
  readonly password: () => string | Promise<string>
  readonly tls: TlsRules
  readonly connectTimeoutMs: number
  /** True: a password may be sent in the clear to a server that nothing has proved. */
  readonly allowCleartextPassword?: boolean
}

export function addressOf(target: Pick<PostgresTarget, 'host' | 'port'>): string {
  const host = target.host.includes(':') ? `[${target.host}]` : target.host
  return `${host}:${target.port}`
}

export function isSocketFolder(target: Pick<PostgresTarget, 'host'>): boolean {
  return target.host.startsWith('/')
}

/** The one shape of all errors of this folder: no secret is ever in `what`. */
export function targetError(
  code: TargetErrorCode,
  target: PostgresTarget,
  what: string,
  hint: string,
  cause?: unknown,
): HoopError {
  return new HoopError({
    code,
    message: `The target ${addressOf(target)} ${what}.`,
    hint,
    exit: EXIT.unreachable,
    fault: 'upstream',
    ...(cause === undefined ? {} : { cause }),
  })
}

export type TargetErrorCode =
  /** No connection, or it ended before the session was there. */
  | 'target_unreachable'
  /** TLS could not be agreed on, or the certificate is not the right one. */
  | 'target_tls_failed'
  /** The target does not take the broker's user, password or method. */
  | 'target_login_failed'
  /** The target was reached and said no for another reason. */
  | 'target_refused'
  /** The target does not honour what the broker's safety rests on, or does not speak as it must. */
  | 'target_unsafe'
