import { Args } from '@oclif/core'
import { Request } from '../../protocol/api/requests.ts'
import { BaseCommand } from '../base-command.ts'
import { visibleLine } from '../output/visible.ts'
import { requestPath } from '../request-path.ts'

export default class Ask extends BaseCommand {
  static override summary = 'Ask the requester something before you decide.'
  static override description =
    `For those who may decide the request. It goes on waiting; the question is shown to who asked
(hoop connect, hoop show), and to all who may decide. hoop answer replies.`
  static override args = {
    id: Args.string({ required: true, description: 'the request' }),
    text: Args.string({ required: true, description: 'the question' }),
  }
  static override examples = ['<%= config.bin %> ask r-7k2mq8w9xe "which ticket is this for?"']

  async run(): Promise<void> {
    const { args } = await this.parse(Ask)
    const path = `${requestPath(args.id)}/ask`
    const api = await this.api()
    const request = await api.request('POST', path, { body: { text: args.text }, schema: Request })
    if (this.json) {
      this.out.document(request)
      return
    }
    this.out.data(visibleLine(`Asked ${request.requester} about ${request.id}; it still waits.`))
    this.out.hint(`\nhoop show ${request.id}`)
  }
}
