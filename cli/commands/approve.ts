import { Args, Flags } from '@oclif/core'
import { Request } from '../../protocol/api/requests.ts'
import { BaseCommand } from '../base-command.ts'
import { consequence, describeMissing } from '../output/request-fields.ts'
import { visibleLine } from '../output/visible.ts'
import { requestPath } from '../request-path.ts'

export default class Approve extends BaseCommand {
  static override summary = 'Let a held request run, once, exactly as it was shown.'
  static override description =
    `Records your approval. The request runs as soon as all whom the policy asks for agree;
this command does not wait for that. You can never approve what you requested yourself.`
  static override args = { id: Args.string({ required: true, description: 'the request' }) }
  static override flags = {
    comment: Flags.string({ description: 'kept with the decision', helpValue: 'TEXT' }),
    'max-rows': Flags.integer({
      description: 'undo it if it changes more rows than this',
      helpValue: 'N',
      min: 1,
    }),
    digest: Flags.string({
      description: 'approve only if it is exactly this; required above 64 kB',
      helpValue: 'SHA256',
    }),
  }
  static override examples = [
    '<%= config.bin %> approve r-7k2mq8w9xe',
    '<%= config.bin %> approve r-7k2mq8w9xe --comment "agreed with support" --max-rows 1',
  ]

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Approve)
    const path = requestPath(args.id)
    const api = await this.api()
    const body = {
      comment: flags.comment,
      digest: flags.digest?.toLowerCase(),
      max_rows: flags['max-rows'],
    }
    const request = await api.request('POST', `${path}/approve`, {
      body,
      schema: Request,
      fresh: true,
    })
    if (this.json) {
      this.out.document(request)
      return
    }
    const { id, requester, connection } = request
    const what = visibleLine(`${id}, ${requester} on ${connection}`)
    if (request.state === 'pending') {
      this.out.data(`Your approval of ${what} is kept; still asked: ${describeMissing(request)}.`)
      return
    }
    this.out.data(`Approved ${what}. ${consequence(request)}`)
    this.out.hint(`\nhoop show ${id}`)
  }
}
