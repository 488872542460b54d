import { Args } from '@oclif/core'
import { Request } from '../../protocol/api/requests.ts'
import { BaseCommand } from '../base-command.ts'
import { requestPath } from '../request-path.ts'

export default class Answer extends BaseCommand {
  static override summary = 'Answer what was asked about a request of your own.'
  static override description =
    'Shown to all who may decide it. What the request asks for stays as it is: to change that, cancel it and ask again.'
  static override args = {
    id: Args.string({ required: true, description: 'the request' }),
    text: Args.string({ required: true, description: 'the answer' }),
  }
  static override examples = ['<%= config.bin %> answer r-7k2mq8w9xe "ticket 41, see the plan"']

  async run(): Promise<void> {
    const { args } = await this.parse(Answer)
    const path = `${requestPath(args.id)}/answer`
    const api = await this.api()
    const request = await api.request('POST', path, { body: { text: args.text }, schema: Request })
    if (this.json) this.out.document(request)
    else this.out.data(`Answered; ${request.id} still waits.`)
  }
}
