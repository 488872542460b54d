import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { Args, Flags } from '@oclif/core'
import type { SessionEntry } from '../../../protocol/api/sessions.ts'
import { EXIT, HoopError } from '../../../protocol/errors.ts'
import { BaseCommand } from '../../base-command.ts'
import { CSV_TITLES, csvLine } from '../../output/session-csv.ts'
import { damaged } from '../../record/damaged.ts'
import { sessionEntries } from '../../record/sessions.ts'

const FORMATS = ['jsonl', 'csv'] as const

export default class SessionsExport extends BaseCommand {
  static override summary = 'Take a session out as a file.'
  static override description =
    `jsonl: every entry as a JSON object a line, rows included. csv: what happened, an entry a line,
without the rows.`
  static override args = { id: Args.string({ required: true, description: 'the session' }) }
  static override flags = {
    format: Flags.string({ description: 'jsonl or csv', options: [...FORMATS], default: 'jsonl' }),
    output: Flags.string({ description: 'write to this file (0600)', helpValue: 'FILE' }),
  }
  static override examples = [
    '<%= config.bin %> sessions export s-7k2mq8w9xe --format jsonl --output session.jsonl',
    '<%= config.bin %> sessions export s-7k2mq8w9xe --format csv',
  ]

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SessionsExport)
    const api = await this.api()
    const entries = sessionEntries(api, args.id)
    const line = flags.format === 'csv' ? csvLine : JSON.stringify
    const titles = flags.format === 'csv' ? CSV_TITLES : null
    const { output } = flags
    const last =
      output === undefined
        ? await write(process.stdout, entries, titles, line)
        : await toFile(output, (to) => write(to, entries, titles, line))
    if (output !== undefined) this.out.say(`Wrote ${last?.entry ?? 0} entries to ${output}.`)
    if (last?.kind === 'damage') throw damaged(args.id, last)
  }
}

async function write(
  to: Writable,
  entries: AsyncIterable<SessionEntry>,
  titles: string | null,
  line: (entry: SessionEntry) => string,
): Promise<SessionEntry | null> {
  let last: SessionEntry | null = null
  for await (const entry of entries) {
    // Nothing is written before the first entry came: a refusal leaves nothing behind.
    const head = last === null && titles !== null ? `${titles}\n` : ''
    if (!to.write(`${head}${line(entry)}\n`)) await once(to, 'drain')
    last = entry
  }
  return last
}

async function toFile<T>(path: string, run: (to: Writable) => Promise<T>): Promise<T> {
  const to = createWriteStream(path, { mode: 0o600 })
  try {
    await once(to, 'open')
    const result = await run(to)
    to.end()
    await finished(to)
    return result
  } catch (cause) {
    to.destroy()
    if (cause instanceof HoopError) throw cause
    throw new HoopError({
      code: 'cannot_write',
      message: `${path} cannot be written (${(cause as NodeJS.ErrnoException).code ?? 'failed'}).`,
      exit: EXIT.failed,
      fault: 'client',
      cause,
    })
  }
}
