import { Args, Flags } from '@oclif/core'
import { Request } from '../../protocol/api/requests.ts'
import { BaseCommand } from '../base-command.ts'
import { requestPath } from '../request-path.ts'

export default class Cancel extends BaseCommand {
  static override summary = 'Take back a request of your own.'
  static override args = { id: Args.string({ required: true, description: 'the request' }) }
  static override flags = {
    reason: Flags.string({ description: 'kept with it', helpValue: 'TEXT' }),
  }
  static override examples = ['<%= config.bin %> cancel r-7k2mq8w9xe']

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Cancel)
    const path = requestPath(args.id)
    const api = await this.api()
    const body = { reason: flags.reason }
    const request = await api.request('POST', `${path}/cancel`, { body, schema: Request })
    if (this.json) {
      this.out.document(request)
      return
    }
    this.out.data(`Cancelled ${request.id}. Nobody can approve it any more.`)
    this.out.hint('\nhoop requests --mine')
  }
}
