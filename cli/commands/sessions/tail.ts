import { Args } from '@oclif/core'
import type { SessionEntry } from '../../../protocol/api/sessions.ts'
import { BaseCommand } from '../../base-command.ts'
import { ReplayPrinter } from '../../output/replay.ts'
import { damaged } from '../../record/damaged.ts'
import { sessionEntries } from '../../record/sessions.ts'

export default class SessionsTail extends BaseCommand {
  static override summary = 'Watch a session while it lives.'
  static override description =
    'Prints what happened so far and goes on until the session ends; Ctrl-C ends the watching.'
  static override args = { id: Args.string({ required: true, description: 'the session' }) }
  static override examples = ['<%= config.bin %> sessions tail s-7k2mq8w9xe']

  async run(): Promise<void> {
    const { args } = await this.parse(SessionsTail)
    const api = await this.api()
    const printer = new ReplayPrinter(this.out, { results: true })
    let last: SessionEntry | null = null
    for await (const entry of sessionEntries(api, args.id, { follow: true })) {
      if (this.json) this.out.event(entry)
      else printer.take(entry)
      last = entry
    }
    printer.end()
    if (last?.kind === 'damage') throw damaged(args.id, last)
    this.out.hint(`\nhoop sessions verify ${args.id}`)
  }
}
