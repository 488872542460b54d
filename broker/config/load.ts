import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { stringify } from 'yaml'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import { parseDuration, parseSize } from '../../protocol/units.ts'
import { checkDocument, Document, type Fault, FaultyFile, sortFaults } from '../policy/document.ts'
import { readPolicy } from '../policy/parse.ts'
import type { Policy } from '../policy/policy.ts'
import { type Checked, configFaults, configWarnings } from './checks.ts'
import type { Config } from './config.ts'
import { connectionOf } from './connection.ts'
import { notifyFaults, notifyOf, notifyWarnings } from './notify.ts'
import { personsOf } from './persons.ts'
import { type ConfigFile, configFile } from './schema.ts'
import { readSecret } from './secrets.ts'

/** The configuration, or FaultyFile (exit 2) with everything that is wrong with it. */
export function loadConfig(file: string, environment: NodeJS.ProcessEnv = process.env): Config {
  const { config, faults } = checkConfig(file, environment)
  if (config === null) throw new FaultyFile('bad_config', faults)
  return config
}

/** The same without throwing, for `broker check`. A file that cannot be read is still thrown. */
export function checkConfig(
  file: string,
  environment: NodeJS.ProcessEnv = process.env,
): { readonly config: Config | null; readonly faults: readonly Fault[] } {
  const document = new Document(readText(file), file)
  const { value: raw, faults } = checkDocument(document, configFile)
  if (raw === null) return { config: null, faults }
  const absolute = (path: string) => resolve(dirname(file), path)
  const { policy, text, faults: policyFaults } = policyOf(raw, document, absolute)
  const checked = { document, raw, policy, absolute, environment }
  const own = sortFaults([...configFaults(checked), ...notifyFaults(checked)])
  if (policy === null || own.length) return { config: null, faults: [...own, ...policyFaults] }
  return { config: build({ ...checked, policy }, text), faults: [] }
}

/** Inline, or a file of its own whose faults carry its own name. */
function policyOf(raw: ConfigFile, document: Document, absolute: (path: string) => string) {
  if (typeof raw.policy !== 'string') {
    return { ...readPolicy(document, ['policy']), text: stringify(raw.policy) }
  }
  const file = absolute(raw.policy)
  try {
    const text = readText(file)
    return { ...readPolicy(new Document(text, file)), text }
  } catch (error) {
    if (!(error instanceof HoopError)) throw error
    return { policy: null, text: '', faults: [document.fault(['policy'], error.message)] }
  }
}

export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null
    const why =
      code === 'ENOENT' ? 'it does not exist' : code === 'EISDIR' ? 'it is a folder' : `${code}`
    throw new HoopError({
      code: 'unreadable_file',
      message: `Cannot read ${file}: ${why}.`,
      hint: `Check the path; \`hoop broker init --output ${basename(file)}\` writes a configuration to start from.`,
      exit: EXIT.usage,
      fault: 'client',
      cause,
    })
  }
}

function build(checked: Checked & { readonly policy: Policy }, policyText: string): Config {
  const { document, raw, policy, absolute } = checked
  const { identity } = raw
  const { requester = [], approver = [], auditor = [], admin = [] } = identity.roles
  return {
    file: document.file,
    demo: raw.demo ?? false,
    listen: raw.listen,
    publicUrl: raw.public_url.replace(/\/+$/, ''),
    tls: raw.tls ? { cert: absolute(raw.tls.cert), key: absolute(raw.tls.key) } : null,
    behindProxy: raw.behind_proxy ?? false,
    identity: {
      issuer: identity.issuer,
      clientId: identity.client_id,
      audience: identity.audience,
      scopes: identity.scopes ?? ['openid', 'email', 'offline_access'],
      groupsClaim: identity.groups_claim ?? 'groups',
      roles: { requester, approver, auditor, admin },
      ...personsOf(identity),
    },
    dataDir: absolute(raw.data_dir),
    policy,
    policyText,
    secretsKey: raw.secrets ? keyOf(raw.secrets.key, checked) : null,
    approval: {
      expiresAfter: duration(raw.approval?.expires_after, '1h'),
      inTransaction: duration(raw.approval?.in_transaction, '10m'),
      useWithin: duration(raw.approval?.use_within, '1h'),
      maxPending: raw.approval?.max_pending ?? 20,
    },
    limits: {
      sessionsPerPerson: raw.limits?.sessions_per_person ?? 64,
      copySpool: parseSize(raw.limits?.copy_spool ?? '2GB')!,
    },
    connections: raw.connections.map((connection) => connectionOf(connection, checked)),
    notify: (raw.notify ?? []).map((one) => notifyOf(one, checked)),
    warnings: sortFaults([...configWarnings(checked), ...notifyWarnings(checked)]),
  }
}

function keyOf(
  key: NonNullable<ConfigFile['secrets']>['key'],
  { absolute, environment }: Checked,
): () => string {
  const secret = 'file' in key ? { file: absolute(key.file) } : key
  return () => readSecret(secret, environment)
}

function duration(text: string | undefined, unsaid: string): number {
  return parseDuration(text ?? unsaid)!
}
