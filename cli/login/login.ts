import { type Discovery, Whoami } from '../../protocol/api/identity.ts'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import { BrokerApi } from '../broker-api.ts'
import { brokerAddress } from '../local/address.ts'
import { withLock } from '../local/lock.ts'
import type { Profile } from '../local/profile.ts'
import { type Credentials, credentialStore } from './credentials.ts'
import type { DeviceCode } from './device-flow.ts'
import { discoverBroker } from './discovery.ts'
import { interrupted } from './interruption.ts'
import type { ProviderSettings } from './provider.ts'
import { LoginSession, loginLock } from './session.ts'

/** After the demo's provider was told, the answer is there: no need to be as patient as RFC 8628 asks. */
const DEMO_INTERVAL_S = 0.05

export interface LoginOptions {
  readonly profile: Profile
  /** What the person typed; undefined: the broker of last time. */
  readonly broker: string | undefined
  /** One of the demo's persons. */
  readonly as: string | undefined
  /** A machine identity, instead of a person. */
  readonly client?: { readonly id: string; readonly secret: string } | undefined
  readonly signal: AbortSignal
  readonly onCode: (code: DeviceCode, broker: string) => Promise<void>
  readonly say: (text: string) => void
}

export interface LoggedIn extends Whoami {
  readonly broker: string
}

/** The whole of `hoop login`, given up at once when the signal says so. */
export function login(options: LoginOptions): Promise<LoggedIn> {
  const cancelled = 'The login was cancelled; nothing was changed.'
  return Promise.race([perform(options), interrupted(options.signal, cancelled)])
}

/** Nothing is kept before the broker has accepted the new login. */
async function perform(options: LoginOptions): Promise<LoggedIn> {
  const { profile, signal } = options
  const broker = brokerFor(options)
  const discovery = await discoverBroker(broker, signal)
  const { issuer, client_id: clientId, audience, scopes } = discovery
  const settings = { issuer, clientId, audience, scopes }
  const credentials = await (options.client === undefined
    ? personLogin(options, broker, discovery, settings)
    : machineLogin(settings, options.client))
  const store = credentialStore(profile, options.say)
  const who = await acceptedBy(broker, profile, credentials)
  await withLock(loginLock(profile), async () => {
    await store.write(credentials)
    await profile.rememberBroker(broker)
  })
  return { ...who, broker }
}

async function personLogin(
  options: LoginOptions,
  broker: string,
  discovery: Discovery,
  settings: ProviderSettings,
): Promise<Credentials> {
  const { deviceFlow } = await import('./device-flow.ts')
  return deviceFlow({
    settings,
    signal: options.signal,
    ...(options.as === undefined ? {} : { interval: DEMO_INTERVAL_S }),
    onCode: await codeHandler(options, broker, discovery),
  })
}

async function machineLogin(
  settings: ProviderSettings,
  { id, secret }: NonNullable<LoginOptions['client']>,
): Promise<Credentials> {
  const { clientCredentials } = await import('./client-credentials.ts')
  return clientCredentials({ ...settings, clientId: id, clientSecret: secret })
}

function brokerFor(options: LoginOptions): string {
  const given = options.broker ?? options.profile.broker
  if (given !== null) return brokerAddress(given)
  throw new HoopError({
    code: 'usage',
    message: `Profile ${options.profile.name} has no broker yet.`,
    hint: `Run \`${options.profile.command('login --broker URL')}\`.`,
    exit: EXIT.usage,
    fault: 'client',
  })
}

async function codeHandler(
  options: LoginOptions,
  broker: string,
  discovery: Discovery,
): Promise<(code: DeviceCode) => Promise<void>> {
  const account = options.as
  if (account === undefined) return (code) => options.onCode(code, broker)
  const { approveDevice, requireDemo } = await import('./demo.ts')
  requireDemo(broker, discovery)
  return async (code) => {
    await options.onCode(code, broker)
    await approveDevice(discovery.issuer, code.user_code, account, options.signal)
  }
}

async function acceptedBy(
  broker: string,
  profile: Profile,
  credentials: Credentials,
): Promise<Whoami> {
  const session = LoginSession.of(profile, credentialStore(profile), credentials)
  const api = BrokerApi.withSession(broker, profile, session)
  return api.request('GET', '/v1/whoami', { schema: Whoami })
}
