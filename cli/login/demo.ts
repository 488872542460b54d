import type { Discovery } from '../../protocol/api/identity.ts'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import { isLoopback } from '../local/address.ts'
import { networkError } from './problem.ts'

const TIMEOUT_MS = 10_000

/** `--as` is for the demo alone: its broker says so, and all of it is on this machine. */
export function requireDemo(broker: string, discovery: Discovery): void {
  const local = isLoopback(new URL(broker)) && isLoopback(new URL(discovery.issuer))
  if (discovery.demo && local) return
  throw new HoopError({
    code: 'not_a_demo',
    message: '--as works with the broker of `hoop demo` on this machine only.',
    hint: 'Leave --as away and log in as yourself.',
    exit: EXIT.usage,
    fault: 'client',
  })
}

/** Completes a device flow as one of the demo's persons; its provider alone has this endpoint. */
export async function approveDevice(
  issuer: string,
  userCode: string,
  account: string,
  signal: AbortSignal,
): Promise<void> {
  const response = await fetch(`${issuer.replace(/\/$/, '')}/demo/approve-device`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ user_code: userCode, account }),
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  }).catch((cause: unknown) => {
    throw networkError(cause, issuer, signal)
  })
  if (response.ok) return
  const { message } = (await response.json().catch(() => ({}))) as { message?: string }
  throw new HoopError({
    code: 'demo_login_failed',
    message: message ?? `The demo's provider answered ${response.status}.`,
    hint: 'The persons of the demo are alice, bob, carol, dave, erin and root.',
    exit: EXIT.login,
    fault: 'client',
  })
}
