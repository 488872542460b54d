import { setTimeout as sleep } from 'node:timers/promises'
import { Args, Flags } from '@oclif/core'
import type { SessionEntry } from '../../../protocol/api/sessions.ts'
import { EXIT, HoopError } from '../../../protocol/errors.ts'
import { BaseCommand } from '../../base-command.ts'
import { Pace } from '../../output/pace.ts'
import { ReplayPrinter } from '../../output/replay.ts'
import { parseDuration } from '../../output/time.ts'
import { damaged } from '../../record/damaged.ts'
import { sessionEntries } from '../../record/sessions.ts'

export default class SessionsReplay extends BaseCommand {
  static override summary = 'Watch a session again, as its person saw it.'
  static override description =
    `On a terminal with its own timing; elsewhere at once. --json prints the entries, one a line.`
  static override args = { id: Args.string({ required: true, description: 'the session' }) }
  static override flags = {
    speed: Flags.string({ description: 'so many times as fast', default: '1', helpValue: 'N' }),
    'max-pause': Flags.string({
      description: 'longest pause between two entries',
      default: '3s',
      helpValue: 'DURATION',
    }),
  }
  static override examples = [
    '<%= config.bin %> sessions replay s-7k2mq8w9xe',
    '<%= config.bin %> sessions replay s-7k2mq8w9xe --speed 10 --max-pause 1s',
  ]

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SessionsReplay)
    const pace = new Pace(speedOf(flags.speed), parseDuration(flags['max-pause']), sleep)
    const api = await this.api()
    const printer = new ReplayPrinter(this.out, { results: true })
    let last: SessionEntry | null = null
    for await (const entry of sessionEntries(api, args.id)) {
      last = entry
      if (this.json) this.out.event(entry)
      else {
        if (this.out.onTerminal) await pace.until(entry.ms)
        printer.take(entry)
      }
    }
    printer.end()
    if (last?.kind === 'damage') throw damaged(args.id, last)
    if (last?.kind === 'close') this.out.hint(`\nhoop sessions verify ${args.id}`)
    else this.out.hint(`\nIt is still live: hoop sessions tail ${args.id}`)
  }
}

function speedOf(text: string): number {
  const speed = Number(text.replace(/x$/, ''))
  if (speed > 0 && Number.isFinite(speed)) return speed
  throw new HoopError({
    code: 'usage',
    message: `--speed ${text} is no speed.`,
    hint: 'Write a number above 0: 2 is twice as fast, 0.5 half.',
    exit: EXIT.usage,
    fault: 'client',
  })
}
