import { dirname, resolve } from 'node:path'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import type { Decider } from '../approval/person.ts'
import { type Config, readConnection } from '../config.ts'
import { Document, FaultyFile } from '../policy/document.ts'
import type { RequestRecord } from '../store/store.ts'
import type { Book } from './book.ts'
import { type Changes, requireAdmin } from './changes.ts'
import { unchanged } from './errors.ts'
import { connectionWording } from './wording.ts'

export interface ConnectionWish {
  readonly text: string
  /** As the person named it, for faults. */
  readonly file: string
  readonly reason: string | null
}

export interface ConnectionParts {
  readonly changes: Changes
  readonly book: Book
  readonly config: Config
}

/** `hoop connections apply`: one connection, as an entry of the configuration has it. */
export function askConnection(
  { changes, book, config }: ConnectionParts,
  caller: Decider,
  { text, file, reason }: ConnectionWish,
): Promise<RequestRecord> {
  requireAdmin(caller)
  const { name, target } = checked({ book, config }, text, file)
  const now = book.latest('connection', name)
  if (now?.body === text) throw unchanged(`the connection ${name}`)
  const base = now?.number ?? 0
  const proposal = { kind: 'connection', name, base, body: text, box: null } as const
  const where = `${target.user}@${target.host}:${target.port}`
  const wording = connectionWording({ base, before: now?.body ?? '', after: text }, name, where)
  return changes.ask(caller, { ...wording, proposal, reason, connection: name })
}

/** Or FaultyFile with all that is wrong with it. */
function checked({ book, config }: Omit<ConnectionParts, 'changes'>, text: string, file: string) {
  const absolute = (path: string) => resolve(dirname(config.file), path)
  const { raw, faults } = readConnection(text, file, absolute)
  if (raw === null) throw new FaultyFile('bad_connection', faults)
  const { name, target } = raw
  if (config.connections.some((one) => one.name === name)) throw ofTheFile(name)
  const document = new Document(text, file)
  const more = []
  if (!book.rules().policy.connections.has(name)) {
    const what = `the policy says nothing of ${name}: \`hoop policy apply\` rules for it first`
    more.push(document.fault(['name'], what))
  }
  const secret = 'secret' in target.password ? target.password.secret : ''
  if (book.latest('secret', secret) === null) {
    const what = `there is no secret ${secret} in force: \`hoop secrets set ${secret}\` first`
    more.push(document.fault(['target', 'password', 'secret'], what))
  }
  if (more.length > 0) throw new FaultyFile('bad_connection', more)
  return raw
}

function ofTheFile(name: string): HoopError {
  return new HoopError({
    code: 'of_the_file',
    message: `${name} stands in the configuration file of the broker: it is changed there.`,
    hint: 'Give a new connection another name.',
    exit: EXIT.usage,
    fault: 'client',
  })
}
