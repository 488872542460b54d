import { Args, Flags } from '@oclif/core'
import { Request } from '../../protocol/api/requests.ts'
import { type AskWindow, WindowClassName } from '../../protocol/api/windows.ts'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import { BaseCommand } from '../base-command.ts'
import { describeNeeds } from '../output/request-fields.ts'
import { describeTime, parseDuration } from '../output/time.ts'
import { visibleLine } from '../output/visible.ts'
import { failureOf } from '../requests/decided.ts'
import { waitForPeople } from '../requests/wait.ts'

export default class RequestCommand extends BaseCommand {
  static override summary =
    'Ask for a time-boxed window instead of one approval for each statement.'
  static override description =
    `Once other persons have approved the window, statements that it covers run at once in every connection
and exec of yours, each recorded with the window's id; what it does not cover is held as ever. It ends by itself,
\`hoop revoke ID\` ends it at once. Waits for the decision: exits 0 when it was approved, 5 when it was rejected, 6 when nobody decided in time.`
  static override args = { connection: Args.string({ required: true, description: 'where' }) }
  static override flags = {
    for: Flags.string({
      description: 'from the approval on',
      helpValue: 'DURATION',
      required: true,
    }),
    reason: Flags.string({ description: 'what for', helpValue: 'TEXT', required: true }),
    access: Flags.string({
      description: 'classes that it opens: read, write, ddl, admin, with commas',
      helpValue: 'CLASS',
      default: 'write',
    }),
    tables: Flags.string({ description: 'where it may write, with commas', helpValue: 'NAMES' }),
    'max-rows': Flags.integer({
      description: 'rows that all statements together may change',
      helpValue: 'N',
      min: 1,
    }),
    every: Flags.string({
      description:
        'only then, each week: "sat 22:00-02:00", "mon-fri 09:00-17:00", "daily 01:00-02:00"',
      helpValue: 'SPAN',
    }),
    zone: Flags.string({
      description: 'time zone of --every (IANA)',
      helpValue: 'ZONE',
      dependsOn: ['every'],
    }),
    wait: Flags.string({ description: 'for a decision, at most this long', helpValue: 'DURATION' }),
    'no-wait': Flags.boolean({ description: 'ask, print the request, and end (exit 6)' }),
  }
  static override examples = [
    '<%= config.bin %> request pg-prod --for 30m --reason "migration 41"',
    '<%= config.bin %> request pg-prod --for 2h --tables orders --reason "ticket 7"',
    '<%= config.bin %> request pg-prod --for 30d --every "sat 22:00-02:00" --reason vacuum',
  ]

  async run(): Promise<void> {
    const { args, flags } = await this.parse(RequestCommand)
    const body = orderOf(args.connection, flags)
    const waitMs = flags.wait === undefined ? null : parseDuration(flags.wait)
    const api = await this.api()
    const asked = await api.request('POST', '/v1/requests', { body, schema: Request })
    if (!this.json || !flags['no-wait']) this.#say(asked)
    const request = flags['no-wait']
      ? asked
      : await waitForPeople(api, asked, { waitMs, out: this.out })
    if (this.json) this.out.document(request)
    const failure = failureOf(request)
    if (failure !== null) throw failure
    if (this.json) return
    const until = request.expires_at === null ? '' : `, until ${describeTime(request.expires_at)}`
    this.out.data(`${request.id} is open on ${request.connection}${until}.`)
    this.out.hint(`\nhoop connect ${request.connection}\nhoop revoke ${request.id}`)
  }

  #say(request: Request): void {
    this.out.say(visibleLine(`Asked as ${request.id}: ${request.effect}`))
    this.out.say(
      visibleLine(`Asked: ${describeNeeds(request)}. They run: hoop approve ${request.id}`),
    )
  }
}

interface WindowFlags {
  readonly for: string
  readonly reason: string
  readonly access: string
  readonly tables?: string | undefined
  readonly 'max-rows'?: number | undefined
  readonly every?: string | undefined
  readonly zone?: string | undefined
}

function orderOf(connection: string, flags: WindowFlags): AskWindow {
  const { every, zone = Intl.DateTimeFormat().resolvedOptions().timeZone } = flags
  const classes = words(flags.access).map((name) => {
    const known = WindowClassName.safeParse(name)
    if (known.success) return known.data
    throw usage(
      `${visibleLine(name)} is no class that a window can open.`,
      'Write --access write, or write,ddl.',
    )
  })
  if (classes.length === 0)
    throw usage('--access names no class.', 'Write --access write, or write,ddl.')
  if (flags.reason.trim() === '') throw usage('A window needs a reason.', 'Write --reason TEXT.')
  return {
    connection,
    reason: flags.reason,
    window: {
      classes,
      tables: flags.tables === undefined ? null : words(flags.tables),
      max_rows: flags['max-rows'] ?? null,
      for_ms: parseDuration(flags.for),
      every: every === undefined ? null : { span: every, zone },
    },
  }
}

function words(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
}

function usage(message: string, hint: string): HoopError {
  return new HoopError({ code: 'usage', message, hint, exit: EXIT.usage, fault: 'client' })
}
