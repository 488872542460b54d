import { stat } from 'node:fs/promises'
import { type Check, Diagnosis } from '../../protocol/api/doctor.ts'
import type { Discovery } from '../../protocol/api/identity.ts'
import { Whoami } from '../../protocol/api/identity.ts'
import { EXIT, type ExitCode, HoopError } from '../../protocol/errors.ts'
import { BrokerApi } from '../broker-api.ts'
import { keychain } from '../local/keychain.ts'
import type { Profile } from '../local/profile.ts'
import { discoverBroker } from '../login/discovery.ts'
import { describeDuration, describeTime } from '../output/time.ts'

/** A check, and the exit code that the doctor ends with if this is the worst that it finds. */
export interface Finding extends Check {
  readonly exit: ExitCode
}

/** Above this, tokens and proofs of a right clock look wrong to the broker. */
const SKEW_WARN_MS = 30_000
const SKEW_FAIL_MS = 300_000
const TIMEOUT_MS = 10_000

/** Looks from the near to the far; what cannot be looked at without the thing before is left out. */
export async function* examine(profile: Profile, version: string): AsyncGenerator<Finding> {
  yield await checkHome(profile)
  yield await checkKeychain(profile)
  if (profile.broker === null) {
    yield noBroker(profile)
    return
  }
  const [broker, discovery] = await checkBroker(profile.broker, version)
  yield broker
  if (discovery) {
    yield await checkClock(profile.broker)
    yield await checkProvider(discovery)
  }
  yield* checkLogin(profile)
}

async function checkHome(profile: Profile): Promise<Finding> {
  const found = await stat(profile.home).catch(() => null)
  if (found === null) return ok('files', `${profile.home} will be made at the first login`)
  const open = (found.mode & 0o077) !== 0 && process.platform !== 'win32'
  if (!open) return ok('files', `${profile.home} is yours alone`)
  return warn('files', `${profile.home} can be read by others`, `chmod 700 ${profile.home}`)
}

async function checkKeychain(profile: Profile): Promise<Finding> {
  const store = keychain({ home: profile.home, profile: 'doctor', say: () => undefined })
  try {
    await store.read()
    return ok('keychain', 'the operating system’s keychain answers')
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    const hint = 'Logins are kept in encrypted files below HOOP_HOME instead.'
    return warn('keychain', why, hint)
  }
}

function noBroker(profile: Profile): Finding {
  const message = `profile ${profile.name} knows no broker`
  return fail('broker', message, `${profile.command('login')} --broker URL`, EXIT.login)
}

async function checkBroker(url: string, version: string): Promise<[Finding, Discovery | null]> {
  const start = performance.now()
  try {
    const discovery = await discoverBroker(url, AbortSignal.timeout(TIMEOUT_MS))
    const ms = Math.round(performance.now() - start)
    if (discovery.version === version)
      return [ok('broker', `${url} answers in ${ms} ms`), discovery]
    const message = `${url} is version ${discovery.version}, this hoop is ${version}`
    return [warn('broker', message, 'Bring the older one up to date.'), discovery]
  } catch (error) {
    return [failed('broker', error), null]
  }
}

async function checkClock(broker: string): Promise<Finding> {
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const before = Date.now()
  const answer = await fetch(`${broker}/v1/discovery`, { signal, redirect: 'error' }).catch(
    () => null,
  )
  const theirs = Date.parse(answer?.headers.get('date') ?? '')
  if (Number.isNaN(theirs)) return warn('clock', 'the broker does not tell its time', null)
  // The Date header has whole seconds: half of one is added on average.
  const skew = (before + Date.now()) / 2 - (theirs + 500)
  const size = Math.abs(skew)
  if (size < SKEW_WARN_MS) return ok('clock', 'agrees with the broker’s')
  const message = `is ${describeDuration(size)} ${skew > 0 ? 'ahead of' : 'behind'} the broker’s`
  const hint = 'Set the clock (timedatectl set-ntp true).'
  return size < SKEW_FAIL_MS
    ? warn('clock', message, hint)
    : fail('clock', message, hint, EXIT.login)
}

async function checkProvider(discovery: Discovery): Promise<Finding> {
  const { issuer } = discovery
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const answer = await fetch(url, { signal })
    if (!answer.ok) {
      const hint = 'Check `identity.issuer` of the broker’s configuration.'
      const message = `${issuer} answers ${answer.status} where its configuration should be`
      return fail('provider', message, hint, EXIT.unreachable)
    }
    return ok('provider', `${issuer} answers`)
  } catch {
    const hint = 'Is it up, and is the network between (proxy, VPN)?'
    return fail('provider', `${issuer} cannot be reached`, hint, EXIT.unreachable)
  }
}

/** The login, then everything that the broker itself sees, in its words. */
async function* checkLogin(profile: Profile): AsyncGenerator<Finding> {
  try {
    const api = await BrokerApi.forProfile(profile)
    const who = await api.request('GET', '/v1/whoami', { schema: Whoami })
    yield whoFinding(who)
    const { checks } = await api.request('GET', '/v1/doctor', { schema: Diagnosis })
    for (const check of checks) yield { ...check, exit: EXIT.unreachable }
  } catch (error) {
    yield failed('login', error)
  }
}

function whoFinding(who: Whoami): Finding {
  const name = who.email ?? who.subject
  if (who.roles.length === 0) {
    const groups = who.groups.join(', ') || 'none'
    const hint = 'Ask for a group that `identity.roles` of the broker names.'
    return warn('login', `${name} has no role here (groups: ${groups})`, hint)
  }
  const until = describeTime(who.expires_at)
  return ok('login', `${name}, ${who.roles.join(', ')}, until ${until} (renewed by itself)`)
}

function ok(name: string, message: string): Finding {
  return { name, status: 'ok', message, hint: null, exit: EXIT.done }
}

function warn(name: string, message: string, hint: string | null): Finding {
  return { name, status: 'warn', message, hint, exit: EXIT.done }
}

function fail(name: string, message: string, hint: string | null, exit: ExitCode): Finding {
  return { name, status: 'fail', message, hint, exit }
}

function failed(name: string, error: unknown): Finding {
  if (error instanceof HoopError) return fail(name, error.message, error.hint, error.exit)
  return fail(name, error instanceof Error ? error.message : String(error), null, EXIT.failed)
}
