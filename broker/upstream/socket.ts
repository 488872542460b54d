import { createHash, type X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect, isIP, type Socket } from 'node:net'
import { checkServerIdentity, connect as connectTls, TLSSocket } from 'node:tls'
import { SSL_REQUEST } from '../../protocol/pg/authentication.ts'
import type { ChannelBinding } from '../../protocol/pg/scram.ts'
import { readingInto } from './reading.ts'
import { isSocketFolder, type PostgresTarget, targetError } from './target.ts'

const KEEP_ALIVE_MS = 30_000
const YES = 'S'.charCodeAt(0)
const NO = 'N'.charCodeAt(0)

/**
 * A socket to the target, encrypted as its rules ask. `address` pins one of the host's addresses: a
 * CancelRequest must reach the very server that has the session. The deadline is the caller's: it
 * destroys the socket by `signal`.
 */
export async function openSocket(
  target: PostgresTarget,
  signal: AbortSignal,
  address?: string,
): Promise<Socket> {
  const socket = await reach(target, signal, address)
  if (target.tls.mode === 'disable' || isSocketFolder(target)) return socket
  try {
    await askForTls(target, socket)
    return await encrypt(target, socket)
  } catch (error) {
    socket.destroy()
    throw error
  }
}

function reach(target: PostgresTarget, signal: AbortSignal, address?: string): Promise<Socket> {
  const { host, port } = target
  // TLS reads for itself.
  const isPlain = target.tls.mode === 'disable' || isSocketFolder(target)
  const reading = isPlain ? { onread: readingInto(() => socket) } : {}
  const socket: Socket = isSocketFolder(target)
    ? connect({ path: `${host}/.s.PGSQL.${port}`, signal, ...reading })
    : connect({
        host: address ?? host,
        port,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_MS,
        signal,
        ...reading,
      })
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => reject(unreachable(target, error)))
    socket.once('connect', () => resolve(socket))
  })
}

export function unreachable(target: PostgresTarget, error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return targetError(
    'target_unreachable',
    target,
    `cannot be reached: ${REASONS[code] ?? (code || 'the connection ended')}`,
    'Is it running, and can the broker reach it? `hoop doctor` on the broker tries it.',
    error,
  )
}

const REASONS: Readonly<Record<string, string>> = {
  ABORT_ERR: 'no answer in time',
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it closed the connection',
  EHOSTUNREACH: 'no route to this host',
  EAI_AGAIN: 'its name cannot be looked up now',
  ENETUNREACH: 'no route to its network',
  ENOENT: 'there is no such socket',
  ENOTFOUND: 'its name is not known',
  ETIMEDOUT: 'no answer in time',
}

/**
 * SSLRequest. The answer is one byte; more than that was written before encryption, by somebody who
 * wants it to be taken for encrypted (CVE-2021-23222).
 */
function askForTls(target: PostgresTarget, socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const no = (what: string) =>
      reject(targetError('target_tls_failed', target, what, 'Check `tls` of the connection.'))
    const ended = () => reject(unreachable(target, null))
    const failed = (error: Error) => reject(unreachable(target, error))
    socket.once('close', ended)
    socket.once('error', failed)
    socket.once('data', (answer) => {
      socket.pause()
      socket.off('close', ended)
      socket.off('error', failed)
      if (answer.length !== 1) no('sent unencrypted bytes behind its answer to SSLRequest')
      else if (answer[0] === NO) no('does not offer TLS, which its configuration asks for')
      else if (answer[0] !== YES) no('did not answer SSLRequest as a PostgreSQL server does')
      else resolve()
    })
    socket.write(SSL_REQUEST)
  })
}

function encrypt(target: PostgresTarget, socket: Socket): Promise<TLSSocket> {
  const { mode, ca, serverName } = target.tls
  const host = serverName ?? target.host
  const secure = connectTls({
    socket,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca: pem(ca) }),
    ALPNProtocols: ['postgresql'],
    minVersion: 'TLSv1.2',
    rejectUnauthorized: mode !== 'require',
    checkServerIdentity: mode === 'verify-full' ? checkServerIdentity : () => undefined,
  })
  return new Promise((resolve, reject) => {
    secure.once('error', (error) => reject(tlsFailed(target, error)))
    secure.once('close', () => reject(unreachable(target, null)))
    secure.once('secureConnect', () => resolve(secure))
  })
}

function pem(ca: string): string {
  return ca.includes('-----BEGIN ') ? ca : readFileSync(ca, 'utf8')
}

function tlsFailed(target: PostgresTarget, error: Error): Error {
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'ABORT_ERR' || code === 'ECONNRESET') return unreachable(target, error)
  return targetError(
    'target_tls_failed',
    target,
    `has no certificate that can be trusted: ${error.message}`,
    'Check `tls.ca` and the name in the certificate (`tls.server_name` where it differs from host).',
    error,
  )
}

/** True: nobody but the target that is meant can read what is sent. */
export function isVerified(target: PostgresTarget, socket: Socket): boolean {
  return isSocketFolder(target) || (socket instanceof TLSSocket && target.tls.mode !== 'require')
}

/**
 * tls-server-end-point (RFC 5929 section 4.1): the certificate under the hash of its own signature,
 * with SHA-256 in place of MD5 and SHA-1. A signature without such a hash (Ed25519) has none.
 */
export function channelBinding(socket: Socket, offered: boolean): ChannelBinding {
  if (!(socket instanceof TLSSocket)) return { type: 'none' }
  if (!offered) return { type: 'not-offered' }
  const certificate = socket.getPeerX509Certificate()
  const hash = certificate === undefined ? null : signatureHash(certificate)
  if (certificate === undefined || hash === null) return { type: 'none' }
  return { type: 'server-end-point', hash: createHash(hash).update(certificate.raw).digest() }
}

/** `RSA-SHA256`, `sha256WithRSAEncryption`, `ecdsa-with-SHA384` → the hash, or null. */
function signatureHash({ signatureAlgorithm }: X509Certificate): string | null {
  const hash = /(?:SHA-?\d+|MD5)/i
    .exec(signatureAlgorithm ?? '')?.[0]
    .toLowerCase()
    .replace('-', '')
  if (hash === undefined) return null
  return hash === 'md5' || hash === 'sha1' ? 'sha256' : hash
}
