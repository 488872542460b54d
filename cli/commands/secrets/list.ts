import { SecretList } from '../../../protocol/api/changes.ts'
import { BaseCommand } from '../../base-command.ts'
import { tableLines } from '../../output/table.ts'
import { describeTime } from '../../output/time.ts'

export default class SecretsList extends BaseCommand {
  static override summary =
    'Secrets that are in force: names, versions, who set them. Never values.'
  static override description = 'For administrators and auditors.'
  static override examples = ['<%= config.bin %> secrets list']

  async run(): Promise<void> {
    await this.parse(SecretsList)
    const api = await this.api()
    const secrets = await api.request('GET', '/v1/secrets', { schema: SecretList })
    if (this.json) {
      this.out.document(secrets)
      return
    }
    if (secrets.length === 0) this.out.say('There is no secret in force.')
    const columns = [
      { title: 'NAME', of: (row: Row) => row.name },
      { title: 'VERSION', of: (row: Row) => String(row.version), align: 'right' as const },
      { title: 'SET BY', of: (row: Row) => row.by.join(', ') },
      { title: 'SINCE', of: (row: Row) => describeTime(row.at) },
      { title: 'REQUEST', of: (row: Row) => row.request },
    ]
    if (secrets.length > 0) {
      for (const line of tableLines(secrets, columns, this.out)) this.out.data(line)
    }
    this.out.hint('\nhoop secrets set NAME --file FILE')
  }
}

type Row = SecretList[number]
