import { z } from 'zod'
import { SecretName } from '../../protocol/api/changes.ts'
import { ConnectionName } from '../../protocol/api/common.ts'
import { HAPPENINGS } from '../../protocol/api/happenings.ts'
import { parseDuration, parseSize } from '../../protocol/units.ts'
import { groupList, policyFile } from '../policy/schema.ts'
import { personsShape } from './persons.ts'

const words = (what: string) =>
  z
    .string({ error: `${what} is a text` })
    .min(1, `${what} is empty`)
    .max(1000)

const path = words('a path')

const number = (what: string, min: number, max: number) => {
  const error = `${what} is a whole number from ${min} to ${max}`
  return z.int({ error }).min(min, error).max(max, error)
}

const port = number('a port', 1, 65_535)

const url = z.url({
  protocol: /^https?$/,
  error: 'this is an address that starts with https:// (http:// on loopback only)',
})

const DURATION = 'write a time like 30s, 10m or 1h'
const duration = z
  .string({ error: DURATION })
  .refine((text) => (parseDuration(text) ?? 0) > 0, DURATION)

const SIZE = 'write a size like 512MB or 2GB'
const size = z.string({ error: SIZE }).refine((text) => (parseSize(text) ?? 0) > 0, SIZE)

const listen = z.strictObject(
  { host: words('host').default('127.0.0.1'), port },
  { error: 'listen has host and port' },
)

const tls = z.strictObject({ cert: path, key: path }, { error: 'tls has cert and key: PEM files' })

const roles = z.strictObject(
  {
    requester: groupList.optional(),
    approver: groupList.optional(),
    auditor: groupList.optional(),
    admin: groupList.optional(),
  },
  { error: 'roles maps requester, approver, auditor and admin to groups' },
)

const identity = z.strictObject(
  {
    issuer: url,
    client_id: words('client_id'),
    audience: words('audience'),
    scopes: z.array(words('a scope'), { error: 'scopes is a list of texts' }).optional(),
    groups_claim: words('groups_claim').optional(),
    roles,
    ...personsShape,
  },
  { error: 'identity has issuer, client_id, audience and roles' },
)

const approval = z.strictObject(
  {
    expires_after: duration.optional(),
    in_transaction: duration.optional(),
    use_within: duration.optional(),
    max_pending: number('max_pending', 1, 10_000).optional(),
  },
  { error: 'approval has expires_after, in_transaction, use_within and max_pending' },
)

const limits = z.strictObject(
  {
    sessions_per_person: number('sessions_per_person', 1, 10_000).optional(),
    copy_spool: size.optional(),
  },
  { error: 'limits has sessions_per_person and copy_spool' },
)

const ENV = 'env names a variable of the environment: HOOP_PG_PASSWORD'

const outside = [
  z.strictObject({ env: z.string({ error: ENV }).regex(/^[A-Za-z_][A-Za-z0-9_]*$/, ENV) }),
  z.strictObject({ file: path }),
] as const

const secret = z.union([...outside, z.strictObject({ plain: words('plain') })], {
  error: 'a secret is not written here: say {env: NAME} or {file: PATH}',
})

const password = z.union(
  [...outside, z.strictObject({ plain: words('plain') }), z.strictObject({ secret: SecretName })],
  { error: 'a secret is not written here: say {secret: NAME}, {env: NAME} or {file: PATH}' },
)

const secrets = z.strictObject(
  { key: z.union(outside, { error: 'key is {file: PATH} or {env: NAME}' }) },
  { error: 'secrets has key: the one that seals them' },
)

const FORMATS = ['json', 'slack', 'teams'] as const

const TLS_MODES = ['verify-full', 'verify-ca', 'require', 'disable'] as const

const targetTls = z.strictObject(
  {
    mode: z
      .enum(TLS_MODES, { error: `mode is one of ${TLS_MODES.join(', ')}` })
      .default('verify-full'),
    ca: path.optional(),
    server_name: words('server_name').optional(),
  },
  { error: 'tls has mode, ca and server_name' },
)

const target = z.strictObject(
  {
    host: words('host'),
    port: port.default(5432),
    user: words('user'),
    password,
    tls: targetTls.optional(),
    connect_timeout: duration.optional(),
    allow_cleartext_password: z.boolean({ error: 'write true or false' }).optional(),
  },
  { error: 'target has host, port, user, password and tls' },
)

/** Names of roles and databases: PostgreSQL's limit of 63 bytes, and nothing that hides. */
const DATABASE_NAME = 'a name of PostgreSQL has 1 to 63 bytes and no control characters'
const databaseName = z
  .string({ error: DATABASE_NAME })
  .regex(/^[^\p{C}]+$/u, DATABASE_NAME)
  .refine((name) => Buffer.byteLength(name) <= 63, DATABASE_NAME)

export const connection = z.strictObject(
  {
    name: ConnectionName,
    kind: z.literal('postgres', { error: 'kind is postgres; others are to come' }),
    target,
    databases: z
      .array(databaseName, { error: 'databases is a list of names: [app]' })
      .min(1, 'name at least one database'),
    reader_role: databaseName.optional(),
    writer_role: databaseName.optional(),
  },
  { error: 'a connection has name, kind, target and databases' },
)

const eventName = z.enum(HAPPENINGS, { error: `an event is one of ${HAPPENINGS.join(', ')}` })
const STATEMENTS = ['whole', 'without_values', 'none'] as const

const notify = z.strictObject(
  {
    name: z
      .string({ error: 'a name of letters and digits' })
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'a name of letters and digits')
      .optional(),
    url: z.union([url, secret], { error: 'url is https://…, {env: NAME} or {file: PATH}' }),
    format: z.enum(FORMATS, { error: `format is one of ${FORMATS.join(', ')}` }).default('json'),
    secret: secret.optional(),
    events: z.array(eventName, { error: 'events is a list: [held, rejected]' }).min(1).optional(),
    connections: z.array(ConnectionName, { error: 'connections is a list of names' }).optional(),
    statements: z
      .enum(STATEMENTS, { error: `statements is one of ${STATEMENTS.join(', ')}` })
      .default('without_values'),
  },
  { error: 'an endpoint has url, format and secret' },
)

const flag = z.boolean({ error: 'write true or false' }).optional()

export const configFile = z.strictObject(
  {
    listen,
    public_url: url,
    tls: tls.optional(),
    behind_proxy: flag,
    identity,
    data_dir: path,
    policy: z.union([path, policyFile], {
      error: 'policy is the path of a file, or connections: with their rules',
    }),
    approval: approval.optional(),
    limits: limits.optional(),
    secrets: secrets.optional(),
    connections: z
      .array(connection, { error: 'connections is a list: - name: pg-prod' })
      .min(1, 'name at least one connection'),
    notify: z.array(notify, { error: 'notify is a list: - url: https://…' }).max(20).optional(),
    allow_plain_secrets: flag,
    demo: flag,
  },
  { error: 'a configuration is a map that has listen, identity, policy and connections' },
)

export type RawConnection = z.infer<typeof connection>

export type ConfigFile = z.infer<typeof configFile>

/** For editors: completion and faults while typing. */
export function configJsonSchema(): object {
  return { title: 'hoop broker', ...z.toJSONSchema(configFile, { io: 'input' }) }
}
