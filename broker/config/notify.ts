import { EXIT, HoopError } from '../../protocol/errors.ts'
import type { Fault } from '../policy/document.ts'
import { isSafeUrl } from './address.ts'
import { type Checked, secretFaults } from './checks.ts'
import type { NotifyConfig } from './config.ts'
import type { ConfigFile } from './schema.ts'
import { readSecret, type Secret } from './secrets.ts'

type RawNotify = NonNullable<ConfigFile['notify']>[number]

export function notifyOf(
  raw: RawNotify,
  { absolute, environment }: Pick<Checked, 'absolute' | 'environment'>,
): NotifyConfig {
  const read = (secret: Secret) => () =>
    readSecret('file' in secret ? { file: absolute(secret.file) } : secret, environment)
  const { url, secret } = raw
  return {
    name: nameOf(raw),
    format: raw.format,
    url: typeof url === 'string' ? () => url : () => address(read(url)()),
    secret: secret === undefined ? null : read(secret),
    events: raw.events ?? null,
    connections: raw.connections ?? null,
    statements: raw.statements,
  }
}

function nameOf({ name, format }: RawNotify): string {
  return name ?? format
}

/** Read from a file or the environment: looked at when it is used. It is never repeated. */
function address(text: string): string {
  const why = addressFault(text)
  if (why === null) return text
  throw new HoopError({ code: 'bad_address', message: why, exit: EXIT.usage, fault: 'client' })
}

function addressFault(text: string): string | null {
  if (!URL.canParse(text)) return 'this is no address'
  const { username, password } = new URL(text)
  if (username !== '' || password !== '') return 'an address has no user and password here'
  return isSafeUrl(text) ? null : 'beyond this machine only https:// is used'
}

export function notifyFaults(checked: Checked): readonly Fault[] {
  const { raw } = checked
  const names = (raw.notify ?? []).map(nameOf)
  return (raw.notify ?? []).flatMap((one, index) => [
    ...endpointFaults(checked, one, index),
    ...(names.indexOf(nameOf(one)) < index
      ? [checked.document.fault(['notify', index], `${nameOf(one)} is taken: give each a name`)]
      : []),
  ])
}

function endpointFaults(checked: Checked, one: RawNotify, index: number): readonly Fault[] {
  const { document, raw } = checked
  const at = (...path: PropertyKey[]) => ['notify', index, ...path]
  const why = typeof one.url === 'string' ? addressFault(one.url) : null
  const known = raw.connections.map(({ name }) => name)
  return [
    ...(why === null ? [] : [document.fault(at('url'), why)]),
    ...(typeof one.url === 'string' ? [] : secretFaults(checked, one.url, at('url'))),
    ...(one.secret === undefined ? [] : secretFaults(checked, one.secret, at('secret'))),
    ...(one.format === 'json' && one.secret === undefined
      ? [document.fault(at(), 'a key for the signature is missing: secret: {env: NAME}')]
      : []),
    ...(one.connections ?? []).flatMap((name, place) =>
      known.includes(name)
        ? []
        : [document.fault(at('connections', place), `there is no connection ${name}`)],
    ),
  ]
}

/** Who has the address of a chat may write there. */
export function notifyWarnings({ raw, document, environment }: Checked): readonly Fault[] {
  return (raw.notify ?? []).flatMap((one, index) => {
    const warn = (key: string, message: string) => [document.fault(['notify', index, key], message)]
    const unset = (key: 'url' | 'secret') => {
      const secret = one[key]
      const isMissing = typeof secret === 'object' && 'env' in secret && !environment[secret.env]
      return isMissing
        ? warn(key, `${secret.env} is not set here: set it where the broker is started`)
        : []
    }
    const isOpen = typeof one.url === 'string' && one.format !== 'json'
    const open = 'who knows this address can write there: say {env: NAME} or {file: PATH}'
    return [...unset('url'), ...unset('secret'), ...(isOpen ? warn('url', open) : [])]
  })
}
