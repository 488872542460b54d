import { Args } from '@oclif/core'
import type { SessionEntry, SessionSummary } from '../../../protocol/api/sessions.ts'
import { BaseCommand } from '../../base-command.ts'
import type { BrokerApi } from '../../broker-api.ts'
import { ReplayPrinter } from '../../output/replay.ts'
import { damaged } from '../../record/damaged.ts'
import { sessionEntries, sessionSummary } from '../../record/sessions.ts'

export default class SessionsShow extends BaseCommand {
  static override summary = 'What ran in a session and what was decided.'
  static override description =
    `Statements, parameters, decisions, errors and row counts; \`replay\` shows the rows, too. --json
prints all of it, rows included.`
  static override args = { id: Args.string({ required: true, description: 'the session' }) }
  static override examples = ['<%= config.bin %> sessions show s-7k2mq8w9xe']

  async run(): Promise<void> {
    const { args } = await this.parse(SessionsShow)
    const api = await this.api()
    const summary = await sessionSummary(api, args.id)
    const last = this.json ? await this.#document(api, summary) : await this.#screen(api, args.id)
    if (last?.kind === 'damage') throw damaged(args.id, last)
    this.out.hint(`\nhoop sessions replay ${args.id}\nhoop sessions verify ${args.id}`)
  }

  /** One JSON document, printed as it comes: a session may be larger than memory. */
  async #document(api: BrokerApi, summary: SessionSummary): Promise<SessionEntry | null> {
    let last: SessionEntry | null = null
    process.stdout.write(`${JSON.stringify(summary).slice(0, -1)},"entries":[`)
    for await (const entry of sessionEntries(api, summary.session)) {
      const text = `${last === null ? '' : ','}\n${JSON.stringify(entry)}`
      if (!process.stdout.write(text)) await drained()
      last = entry
    }
    process.stdout.write(']}\n')
    return last
  }

  async #screen(api: BrokerApi, id: string): Promise<SessionEntry | null> {
    const printer = new ReplayPrinter(this.out, { results: false })
    let last: SessionEntry | null = null
    for await (const entry of sessionEntries(api, id)) {
      printer.take(entry)
      last = entry
    }
    printer.end()
    return last
  }
}

function drained(): Promise<void> {
  return new Promise((resolve) => process.stdout.once('drain', resolve))
}
