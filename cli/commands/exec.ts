import { readFile } from 'node:fs/promises'
import { Args, Flags } from '@oclif/core'
import type { Exec } from '../../protocol/api/exec.ts'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import { BaseCommand } from '../base-command.ts'
import { runExec } from '../exec/run.ts'
import { parseDuration } from '../output/time.ts'
import { requestPath } from '../request-path.ts'
import { statementOf } from '../statement.ts'

export default class ExecCommand extends BaseCommand {
  static override summary = 'Run one statement or a file; waits for the approval that it needs.'
  static override description =
    `Prints the results as a table, as CSV or as JSON. A file is one request. Exits 0 when it ran,
1 when the target refused it, 4 when policy denied it, 5 when an approver rejected it, 6 when nobody decided in time.`
  static override args = { connection: Args.string({ description: 'where to run it' }) }
  static override flags = {
    command: Flags.string({ char: 'c', description: 'the statement', helpValue: 'SQL' }),
    file: Flags.string({ char: 'f', description: 'read it from this file', helpValue: 'FILE' }),
    request: Flags.string({ description: 'run this approved request of yours', helpValue: 'ID' }),
    database: Flags.string({
      description: 'another than the connection’s first',
      helpValue: 'NAME',
    }),
    reason: Flags.string({ description: 'shown to who is asked', helpValue: 'TEXT' }),
    'break-glass': Flags.boolean({
      description: 'in an emergency: at once, loud, and to be reviewed; needs --reason',
      dependsOn: ['reason'],
    }),
    wait: Flags.string({ description: 'for a decision, at most this long', helpValue: 'DURATION' }),
    'no-wait': Flags.boolean({ description: 'ask, print the request, and end (exit 6)' }),
    csv: Flags.boolean({ description: 'print CSV on stdout' }),
  }
  static override examples = [
    '<%= config.bin %> exec pg-prod -c "SELECT * FROM people"',
    '<%= config.bin %> exec pg-prod -f migration.sql --reason "issue 41" --wait 30m',
    '<%= config.bin %> exec --request r-7k2mq8w9xe --json',
  ]

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ExecCommand)
    if (flags.csv && this.json) throw usage('--csv and --json exclude each other.')
    const body = await orderOf(args.connection, flags)
    const api = await this.api()
    const wait = body.type === 'sql' && body.body.wait
    process.exitCode = await runExec(api, body.body, { out: this.out, csv: flags.csv, wait })
  }
}

interface ExecFlags {
  readonly command?: string | undefined
  readonly file?: string | undefined
  readonly request?: string | undefined
  readonly database?: string | undefined
  readonly reason?: string | undefined
  readonly wait?: string | undefined
  readonly 'no-wait': boolean
  readonly 'break-glass': boolean
}

type Order =
  | { readonly type: 'sql'; readonly body: Extract<Exec, { sql: string }> }
  | { readonly type: 'request'; readonly body: Extract<Exec, { request: string }> }

async function orderOf(connection: string | undefined, flags: ExecFlags): Promise<Order> {
  if (flags.request !== undefined) return requestOrder(connection, flags, flags.request)
  if (connection === undefined) {
    throw usage('Which connection?', 'hoop exec NAME -c SQL; `hoop connections` lists the names.')
  }
  const { command, file, database, reason } = flags
  if (command !== undefined && file !== undefined) throw usage('-c and -f exclude each other.')
  const waitMs = flags.wait === undefined ? undefined : parseDuration(flags.wait)
  const sql = await statementOf({ command, file }, readFile)
  const wait = !flags['no-wait']
  const emergency = flags['break-glass'] ? { break_glass: true } : {}
  const rest = { ...emergency, database, reason, wait_ms: wait ? waitMs : undefined }
  return { type: 'sql', body: { connection, sql, wait, ...rest } }
}

function requestOrder(connection: string | undefined, flags: ExecFlags, request: string): Order {
  const { command, file } = flags
  if ((connection ?? command ?? file) !== undefined) {
    throw usage('--request runs what was approved: it takes no connection and no statement.')
  }
  requestPath(request)
  return { type: 'request', body: { request } }
}

function usage(message: string, hint?: string): HoopError {
  return new HoopError({
    code: 'usage',
    message,
    ...(hint ? { hint } : {}),
    exit: EXIT.usage,
    fault: 'client',
  })
}
