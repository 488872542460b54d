import { Whoami as WhoamiAnswer } from '../../protocol/api/identity.ts'
import { BaseCommand } from '../base-command.ts'
import { visibleLine } from '../output/visible.ts'

export default class Whoami extends BaseCommand {
  static override summary = 'Show who the broker takes you for.'
  static override examples = ['<%= config.bin %> whoami', '<%= config.bin %> whoami --json']

  async run(): Promise<void> {
    await this.parse(Whoami)
    const api = await this.api()
    const who = await api.request('GET', '/v1/whoami', { schema: WhoamiAnswer })
    const { subject, email, groups, roles, expires_at } = who
    const { name: profile } = api.profile
    if (this.json) {
      this.out.document({ subject, email, groups, roles, broker: api.url, profile, expires_at })
      return
    }
    const lines = [
      ['person', email === null ? subject : `${email} (${subject})`],
      ['groups', groups.join(', ') || 'none'],
      ['roles', roles.join(', ') || 'none'],
      ['broker', api.url],
      ['profile', profile],
      ['until', `${expires_at}, renewed by itself`],
    ]
    for (const [name = '', value = ''] of lines) {
      this.out.data(`${name.padEnd(8)} ${visibleLine(value)}`)
    }
  }
}
