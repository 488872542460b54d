import { Args, Flags } from '@oclif/core'
import { Request } from '../../protocol/api/requests.ts'
import { BaseCommand } from '../base-command.ts'
import { visibleLine } from '../output/visible.ts'
import { requestPath } from '../request-path.ts'

export default class Reject extends BaseCommand {
  static override summary = 'Refuse a held request; the reason goes to who asked.'
  static override args = { id: Args.string({ required: true, description: 'the request' }) }
  static override flags = {
    reason: Flags.string({ required: true, description: 'why', helpValue: 'TEXT' }),
  }
  static override examples = [
    '<%= config.bin %> reject r-7k2mq8w9xe --reason "needs a WHERE clause"',
  ]

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Reject)
    const path = requestPath(args.id)
    const api = await this.api()
    const body = { reason: flags.reason }
    const request = await api.request('POST', `${path}/reject`, {
      body,
      schema: Request,
      fresh: true,
    })
    if (this.json) {
      this.out.document(request)
      return
    }
    this.out.data(visibleLine(`Rejected ${request.id}; ${request.requester} is told why.`))
  }
}
