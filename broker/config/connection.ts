import { EXIT, HoopError } from '../../protocol/errors.ts'
import { parseDuration } from '../../protocol/units.ts'
import { checkDocument, Document, type Fault } from '../policy/document.ts'
import { readable, repeated } from './checks.ts'
import type { ConnectionConfig } from './config.ts'
import { connection as connectionSchema, type RawConnection } from './schema.ts'
import { readSecret, type Secret } from './secrets.ts'

/** Where paths start, and what the environment holds. */
export interface Surroundings {
  readonly absolute: (path: string) => string
  readonly environment: NodeJS.ProcessEnv
}

export function connectionOf(
  raw: RawConnection,
  { absolute, environment }: Surroundings,
): ConnectionConfig {
  const { target } = raw
  const { password, tls } = target
  const [first, ...more] = raw.databases
  return {
    name: raw.name,
    kind: raw.kind,
    target: {
      host: target.host,
      port: target.port,
      user: target.user,
      password: () => readSecret(secretOf(password, absolute), environment),
      secret: 'secret' in password ? password.secret : null,
      tls: {
        mode: tls?.mode ?? (target.host.startsWith('/') ? 'disable' : 'verify-full'),
        ...(tls?.ca === undefined ? {} : { ca: absolute(tls.ca) }),
        ...(tls?.server_name === undefined ? {} : { serverName: tls.server_name }),
      },
      connectTimeoutMs: parseDuration(target.connect_timeout ?? '10s')!,
      allowCleartextPassword: target.allow_cleartext_password ?? false,
    },
    databases: [first!, ...more],
    readerRole: raw.reader_role ?? null,
    writerRole: raw.writer_role ?? null,
  }
}

function secretOf(
  password: RawConnection['target']['password'],
  absolute: (path: string) => string,
): Secret {
  if ('secret' in password) throw sealed(password.secret)
  return 'file' in password ? { file: absolute(password.file) } : password
}

/**
 * A connection on its own, as `hoop connections apply` takes it: its password is a sealed secret.
 * `absolute`: where files are looked for; null: they are not looked at.
 */
export function readConnection(
  text: string,
  file: string,
  absolute: ((path: string) => string) | null,
): { readonly raw: RawConnection | null; readonly faults: readonly Fault[] } {
  const document = new Document(text, file)
  const { value: raw, faults } = checkDocument(document, connectionSchema)
  if (raw === null) return { raw, faults }
  const more = repeated(raw.databases).map((place) =>
    document.fault(['databases', place], 'this database is named twice'),
  )
  if (!('secret' in raw.target.password)) {
    const what = 'its password is a sealed secret here: {secret: NAME}'
    more.push(document.fault(['target', 'password'], what))
  }
  const ca = raw.target.tls?.ca
  if (ca !== undefined && absolute !== null && !readable(absolute(ca))) {
    more.push(document.fault(['target', 'tls', 'ca'], `the broker cannot read ${absolute(ca)}`))
  }
  if (raw.writer_role && !raw.reader_role) {
    const what = 'a writer_role is of use only beside a reader_role: name both'
    more.push(document.fault(['writer_role'], what))
  }
  return more.length > 0 ? { raw: null, faults: more } : { raw, faults: [] }
}

function sealed(name: string): HoopError {
  return new HoopError({
    code: 'secret_missing',
    message: `The secret ${name} is sealed: only a running broker opens it.`,
    exit: EXIT.usage,
  })
}
