import { accessSync, constants, existsSync, statSync } from 'node:fs'
import type { Document, Fault, Path } from '../policy/document.ts'
import type { ConnectionPolicy, Policy } from '../policy/policy.ts'
import { nearest } from '../policy/spelling.ts'
import { waysOf } from '../policy/ways.ts'
import { isLoopback, isSafeUrl } from './address.ts'
import { personFaults } from './persons.ts'
import type { ConfigFile, RawConnection } from './schema.ts'
import { secretFileFault } from './secrets.ts'

/** What the schema cannot say: one value against another, and against the machine. */
export interface Checked {
  readonly document: Document
  readonly raw: ConfigFile
  /** Null where the policy has faults of its own. */
  readonly policy: Policy | null
  /** Of the configuration: relative paths start there. */
  readonly absolute: (path: string) => string
  readonly environment: NodeJS.ProcessEnv
}

export function configFaults(checked: Checked): readonly Fault[] {
  const { raw, document } = checked
  return [
    ...networkFaults(checked),
    ...fileFaults(checked),
    ...personFaults(document, raw.identity),
    ...raw.connections.flatMap((connection, index) => connectionFaults(checked, connection, index)),
    ...repeated(raw.connections.map((connection) => connection.name)).map((index) =>
      document.fault(['connections', index, 'name'], 'this name is taken by a connection above'),
    ),
  ]
}

/** Beyond loopback nothing is served in the clear, and nothing is asked in the clear. */
function networkFaults({ raw, document }: Checked): readonly Fault[] {
  const { listen, tls, behind_proxy: proxy, identity, public_url: url } = raw
  const faults: Fault[] = []
  const at = (path: Path, message: string) => faults.push(document.fault(path, message))
  if (tls && proxy)
    at(['behind_proxy'], 'either the proxy ends TLS or hoop does: remove tls or this')
  if (!isLoopback(listen.host) && !tls && !proxy) {
    at(
      ['listen', 'host'],
      `${listen.host} is reached from other machines: add tls: {cert, key}, or behind_proxy: true where a proxy ends TLS`,
    )
  }
  if (!isSafeUrl(url)) at(['public_url'], 'beyond this machine only https:// is used')
  if (!isSafeUrl(identity.issuer)) {
    at(['identity', 'issuer'], 'beyond this machine only https:// is used')
  }
  const far = !isLoopback(new URL(url).hostname)
  if (far && isLoopback(listen.host) && !tls && !proxy) {
    at(['public_url'], 'something must end TLS for this address: say behind_proxy: true')
  }
  if (tls && new URL(url).protocol === 'http:')
    at(['public_url'], 'with tls this starts with https://')
  if (raw.demo && (far || !isLoopback(listen.host))) at(['demo'], 'the demo stays on loopback')
  return faults
}

function fileFaults({ raw, document, absolute }: Checked): readonly Fault[] {
  const faults: Fault[] = []
  const sealing = raw.secrets?.key
  const fault = sealing && 'file' in sealing ? secretFileFault(absolute(sealing.file)) : null
  if (fault) faults.push(document.fault(['secrets', 'key', 'file'], fault))
  if (!raw.tls) return faults
  if (!readable(absolute(raw.tls.cert))) {
    faults.push(document.fault(['tls', 'cert'], `cannot read ${absolute(raw.tls.cert)}`))
  }
  const key = secretFileFault(absolute(raw.tls.key))
  if (key) faults.push(document.fault(['tls', 'key'], key))
  return faults
}

function connectionFaults(
  checked: Checked,
  connection: RawConnection,
  index: number,
): readonly Fault[] {
  const { document, policy, absolute } = checked
  const at = (path: Path) => ['connections', index, ...path]
  const faults = secretFaults(checked, connection.target.password, at(['target', 'password']))
  const ca = connection.target.tls?.ca
  if (ca && !readable(absolute(ca))) {
    faults.push(document.fault(at(['target', 'tls', 'ca']), `cannot read ${absolute(ca)}`))
  }
  for (const place of repeated(connection.databases)) {
    faults.push(document.fault(at(['databases', place]), 'this database is named twice'))
  }
  if (connection.writer_role && !connection.reader_role) {
    const message = 'a writer_role is of use only beside a reader_role: name both'
    faults.push(document.fault(at(['writer_role']), message))
  }
  if (policy && !policy.connections.has(connection.name)) {
    const near = nearest(connection.name, [...policy.connections.keys()])
    const hint = near === null ? 'add it there' : `did you mean "${near}"?`
    const message = `the policy says nothing of ${connection.name}: ${hint}`
    faults.push(document.fault(at(['name']), message))
  }
  return faults
}

type RawSecret = RawConnection['target']['password']

export function secretFaults(
  { document, raw, absolute }: Checked,
  secret: RawSecret,
  path: Path,
): Fault[] {
  if ('env' in secret) return []
  if ('secret' in secret) {
    if (raw.secrets) return []
    const message = 'sealed secrets need a key: say secrets: { key: { file: PATH } } above'
    return [document.fault([...path, 'secret'], message)]
  }
  if ('file' in secret) {
    const fault = secretFileFault(absolute(secret.file))
    return fault ? [document.fault([...path, 'file'], fault)] : []
  }
  if (!raw.allow_plain_secrets) {
    const message =
      'a secret in this file: say {env: NAME} or {file: PATH}, or allow_plain_secrets: true if you mean it'
    return [document.fault([...path, 'plain'], message)]
  }
  const fault = secretFileFault(document.file)
  return fault ? [document.fault([...path, 'plain'], `${fault} (it holds this secret)`)] : []
}

/** What works but was perhaps not meant. */
export function configWarnings(checked: Checked): readonly Fault[] {
  const { raw, document, policy } = checked
  return [
    ...raw.connections.flatMap((connection, index) =>
      connectionWarnings(checked, connection, ['connections', index]),
    ),
    ...(policy ? policyWarnings(raw, document, policy) : []),
  ]
}

function connectionWarnings(
  { document, environment }: Checked,
  { target, reader_role: reader }: RawConnection,
  path: Path,
): readonly Fault[] {
  const warnings: Fault[] = []
  const { password, tls, host } = target
  if ('env' in password && !environment[password.env]) {
    const message = `${password.env} is not set here: set it where the broker is started`
    warnings.push(document.fault([...path, 'target', 'password', 'env'], message))
  }
  const weak = tls?.mode === 'disable' || tls?.mode === 'require'
  if (weak && !isLoopback(host) && !host.startsWith('/')) {
    const message = `${tls.mode}: nothing proves that ${host} is the server that is meant`
    warnings.push(document.fault([...path, 'target', 'tls', 'mode'], message))
  }
  if (!reader) {
    const message = 'without reader_role and writer_role the third layer of protection is missing'
    warnings.push(document.fault([...path, 'name'], message))
  }
  return warnings
}

function policyWarnings(raw: ConfigFile, document: Document, policy: Policy): readonly Fault[] {
  const approvers = raw.identity.roles.approver ?? []
  const groups = [...new Set([...policy.connections.values()].flatMap(groupsAsked))]
  return groups
    .filter((group) => !approvers.includes(group))
    .map((group) => {
      const message = `the policy asks ${group}, which has not the role approver`
      return document.fault(['identity', 'roles', 'approver'], message)
    })
}

/** All groups that may be asked to decide something on the connection. */
function groupsAsked({
  rules,
  statements,
  windows,
  breakGlass,
  escalate,
}: ConnectionPolicy): string[] {
  const lines = [...Object.values(rules), ...statements.map(({ rule }) => rule)]
  const held = lines.flatMap((rule) => (rule.decision === 'hold' ? waysOf(rule).flat() : []))
  const others = [...(windows?.by ?? []), ...(breakGlass?.review ?? [])]
  return [...[...held, ...others].map((need) => need.group), ...escalate.map(({ to }) => to)]
}

/** Places of what stands in the list already. */
export function repeated(words: readonly string[]): readonly number[] {
  return words.flatMap((word, index) => (words.indexOf(word) < index ? [index] : []))
}

export function readable(file: string): boolean {
  if (!existsSync(file) || !statSync(file).isFile()) return false
  try {
    accessSync(file, constants.R_OK)
    return true
  } catch {
    return false
  }
}
