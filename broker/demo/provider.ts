import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider, { type Context, interactionPolicy, type Token } from 'oidc-provider'
import { approveDevice } from './provider-approve.ts'
import { providerHandler } from './provider-http.ts'
import { codePage, confirmPage, donePage, errorPage, type Person } from './provider-pages.ts'
import { memoryAdapter } from './provider-store.ts'

export interface ProviderOptions {
  /** 0 or absent: any free port. */
  readonly port?: number
  readonly users: readonly Person[]
  readonly clientId?: string
  /** Clients that log in as themselves. */
  readonly machines?: readonly Machine[]
  /** The broker's audience, a resource indicator (RFC 8707). */
  readonly audience?: string
  readonly accessTokenSeconds?: number
}

export interface Machine {
  readonly name: string
  readonly secret: string
}

export interface DemoProvider {
  readonly issuer: string
  readonly port: number
  readonly clientId: string
  readonly audience: string
  readonly scopes: readonly string[]
  /** Completes a device flow as one of the users. `POST /demo/approve-device` does the same. */
  approveDevice(userCode: string, account: string): Promise<void>
  /** Takes effect at that person's next login or refresh. */
  setGroups(account: string, groups: readonly string[]): void
  close(): Promise<void>
}

const SCOPES = ['openid', 'email', 'groups']
const RESOURCE_SCOPE = 'hoop'
const DAY_S = 24 * 3_600

/** A real OIDC provider on loopback: device flow, DPoP with required nonce, rotating refresh tokens. */
export async function startProvider(options: ProviderOptions): Promise<DemoProvider> {
  const settings = {
    clientId: options.clientId ?? 'hoop-cli',
    audience: options.audience ?? 'https://hoop.example/broker',
    accessTokenSeconds: options.accessTokenSeconds ?? 600,
    machines: options.machines ?? [],
    persons: new Map(options.users.map((person) => [person.name, person])),
  }
  const server = createServer()
  const port = await listen(server, options.port ?? 0)
  const issuer = `http://127.0.0.1:${port}`
  const provider = new Provider(issuer, configuration(settings))
  const approve = (userCode: string, account: string): Promise<void> =>
    approveDevice(provider, {
      userCode,
      account,
      ...settings,
      scopes: SCOPES,
      scope: RESOURCE_SCOPE,
    })
  const handle = providerHandler(provider, settings.persons, approve)
  server.on('request', (request, response) => void handle(request, response))
  const { clientId, audience, persons } = settings
  return {
    issuer,
    port,
    clientId,
    audience,
    scopes: [...SCOPES, RESOURCE_SCOPE],
    approveDevice: approve,
    setGroups(account, groups) {
      const person = persons.get(account)
      if (person !== undefined) persons.set(account, { ...person, groups })
    },
    close: () => close(server),
  }
}

interface Settings {
  readonly clientId: string
  readonly audience: string
  readonly accessTokenSeconds: number
  readonly machines: readonly Machine[]
  readonly persons: Map<string, Person>
}

/** Every function that oidc-provider would warn about on the console is given, so it prints nothing. */
function configuration(settings: Settings): object {
  const { clientId, audience, persons } = settings
  return {
    adapter: memoryAdapter(),
    clients: [client(clientId), ...settings.machines.map(machineClient)],
    clientBasedCORS: () => false,
    claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'] },
    scopes: SCOPES,
    cookies: { keys: [randomBytes(32).toString('hex')] },
    jwks: { keys: [signingKey()] },
    ttl: lifetimes(settings.accessTokenSeconds),
    interactions: {
      policy: loginOnly(),
      url: (_ctx: Context, { uid }: { uid: string }) => `/interaction/${uid}`,
    },
    findAccount: (_ctx: Context, name: string) => accountOf(persons, name),
    extraTokenClaims: (_ctx: Context, token: Token) => claimsOf(persons, token.accountId),
    issueRefreshToken: (_ctx: Context, by: Context['oidc']['client']) =>
      by.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    expiresWithSession: () => false,
    renderError: (ctx: Context, out: { error: string; error_description?: string }) => {
      html(ctx, errorPage(out.error_description ?? out.error))
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true, allowedPolicy: () => true },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: RESOURCE_SCOPE,
          audience,
          accessTokenFormat: 'jwt',
          accessTokenTTL: settings.accessTokenSeconds,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
      deviceFlow: {
        enabled: true,
        mask: '****-****',
        userCodeInputSource: (ctx: Context, form: string, _out: unknown, error: unknown) =>
          html(ctx, codePage(form, error !== undefined && error !== null)),
        userCodeConfirmSource: (
          ctx: Context,
          form: string,
          _client: unknown,
          _device: unknown,
          code: string,
        ) => html(ctx, confirmPage(form, code)),
        successSource: (ctx: Context) => html(ctx, donePage()),
      },
    },
    loadExistingGrant: (ctx: Context) => grantAll(ctx, audience),
  }
}

function client(clientId: string): object {
  return {
    client_id: clientId,
    client_name: 'hoop',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    response_types: [],
    redirect_uris: [],
    id_token_signed_response_alg: 'ES256',
    dpop_bound_access_tokens: true,
  }
}

function machineClient({ name, secret }: Machine): object {
  return {
    client_id: name,
    client_secret: secret,
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['client_credentials'],
    id_token_signed_response_alg: 'ES256',
    response_types: [],
    redirect_uris: [],
    dpop_bound_access_tokens: true,
  }
}

function signingKey(): object {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'demo' }
}

function lifetimes(accessToken: number): object {
  return {
    AccessToken: accessToken,
    ClientCredentials: accessToken,
    IdToken: accessToken,
    DeviceCode: 600,
    RefreshToken: 14 * DAY_S,
    Grant: 14 * DAY_S,
    Session: DAY_S,
    Interaction: 600,
  }
}

function accountOf(persons: ReadonlyMap<string, Person>, name: string): object | undefined {
  if (!persons.has(name)) return undefined
  return { accountId: name, claims: () => ({ sub: name, ...claimsOf(persons, name) }) }
}

function claimsOf(persons: ReadonlyMap<string, Person>, name: string): object {
  const person = persons.get(name)
  return person === undefined
    ? {}
    : { email: person.email, email_verified: true, groups: person.groups }
}

/** The demo's one client is its own, so nobody is asked for consent. */
function loginOnly(): object {
  const policy = interactionPolicy.base()
  policy.remove('consent')
  return policy
}

/** What the person would have consented to. */
async function grantAll(ctx: Context, audience: string): Promise<object | undefined> {
  const { accountId } = ctx.oidc.session
  if (accountId === undefined) return undefined
  const provider = (ctx.oidc as unknown as { provider: Provider }).provider
  const grant = new provider.Grant({ accountId, clientId: ctx.oidc.client.clientId })
  grant.addOIDCScope(SCOPES.join(' '))
  grant.addResourceScope(audience, RESOURCE_SCOPE)
  await grant.save()
  return grant
}

function html(ctx: Context, text: string): void {
  ctx.type = 'html'
  ctx.body = text
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
