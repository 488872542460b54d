import { Args } from '@oclif/core'
import { Request } from '../../protocol/api/requests.ts'
import { BaseCommand } from '../base-command.ts'
import { requestScreen } from '../output/request-screen.ts'
import { requestPath } from '../request-path.ts'
import { keysText, REVIEW_KEYS } from '../screens/keys.ts'

export default class Review extends BaseCommand {
  static override summary = 'Read a request on a screen, and decide it there.'
  static override description =
    `It can be approved there once all that will run was on the screen. Keys: ${keysText(REVIEW_KEYS)}.
Without a terminal, and with --json, it prints what hoop show prints.`
  static override args = { id: Args.string({ required: true, description: 'the request' }) }
  static override examples = ['<%= config.bin %> review r-7k2mq8w9xe']

  async run(): Promise<void> {
    const { args } = await this.parse(Review)
    const api = await this.api()
    const request = await api.request('GET', requestPath(args.id), { schema: Request })
    if (this.json) this.out.document(request)
    else if (!this.out.isScreen) this.out.data(requestScreen(request, this.out, Date.now()))
    else {
      const { openScreen } = await import('../screens/open.ts')
      await openScreen({ api, out: this.out, view: 'all', title: '', only: request.id })
    }
  }
}
