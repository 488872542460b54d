import { SessionList } from '../../../protocol/api/sessions.ts'
import { BaseCommand } from '../../base-command.ts'
import { sessionLines } from '../../output/session-screen.ts'
import { filterFlags, filterQuery } from '../../record/filters.ts'

export default class SessionsList extends BaseCommand {
  static override summary = 'Recorded sessions, newest first.'
  static override description = 'Auditors see all of them, everybody else their own.'
  static override flags = filterFlags
  static override examples = [
    '<%= config.bin %> sessions',
    '<%= config.bin %> sessions list --since 1d --verdict deny',
    '<%= config.bin %> sessions list --user alice@example.com --table people --json',
  ]

  async run(): Promise<void> {
    const { flags } = await this.parse(SessionsList)
    const query = filterQuery(flags, Date.now())
    const api = await this.api()
    const list = await api.request('GET', '/v1/sessions', { query, schema: SessionList })
    if (this.json) {
      this.out.document(list)
      return
    }
    const [first] = list
    if (first === undefined) {
      this.out.say('There are no such sessions that you may see.')
      return
    }
    for (const line of sessionLines(list, this.out)) this.out.data(line)
    this.out.hint(`\nhoop sessions replay ${first.session}`)
  }
}
