import { Args } from '@oclif/core'
import { SessionList } from '../../../protocol/api/sessions.ts'
import { BaseCommand } from '../../base-command.ts'
import { matchLines } from '../../output/session-screen.ts'
import { filterFlags, filterQuery } from '../../record/filters.ts'

export default class SessionsSearch extends BaseCommand {
  static override summary = 'Find what ran, for whom, and what was said about it.'
  static override description =
    `Full text over statements, parameters, tables, persons, errors, reasons and comments. Several
words must all be there; "words in quotes" stand together; a * at the end of a word is any ending.`
  static override strict = false
  static override args = { query: Args.string({ description: 'words' }) }
  static override flags = filterFlags
  static override examples = [
    '<%= config.bin %> sessions search salary',
    '<%= config.bin %> sessions search \'"update people"\' --verdict hold --since 7d',
    '<%= config.bin %> sessions search ssn --user alice@example.com --json',
  ]

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(SessionsSearch)
    const query = { ...filterQuery(flags, Date.now()), q: argv.map(String).join(' ') }
    const api = await this.api()
    const response = await api.stream('GET', '/v1/sessions/search', { query })
    const list = SessionList.parse(await response.json())
    this.#sayBehind(response.headers.get('hoop-index-behind'))
    if (this.json) {
      this.out.document(list)
      return
    }
    const [first] = list
    if (first === undefined) {
      this.out.say('Nothing was found in the sessions that you may see.')
      return
    }
    for (const line of matchLines(list, this.out)) this.out.data(line)
    this.out.hint(`\nhoop sessions replay ${first.session}`)
  }

  #sayBehind(sessions: string | null): void {
    if (sessions === null) return
    this.out.say(
      `${sessions} busy sessions are not read to their end yet: search again for the rest.`,
    )
  }
}
