import { Args, Flags } from '@oclif/core'
import { Request } from '../../protocol/api/requests.ts'
import { BaseCommand } from '../base-command.ts'
import { requestPath } from '../request-path.ts'

export default class Revoke extends BaseCommand {
  static override summary = 'End a window at once, with the sessions that use it.'
  static override description =
    `By the person it was given to, by whoever could have approved it, or by an admin. What runs in it is
cut off; the sessions end within a second.`
  static override args = { id: Args.string({ required: true, description: 'the window' }) }
  static override flags = {
    reason: Flags.string({ description: 'kept with it, told to the person', helpValue: 'TEXT' }),
  }
  static override examples = [
    '<%= config.bin %> revoke r-7k2mq8w9xe --reason "the migration is done"',
  ]

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Revoke)
    const path = requestPath(args.id)
    const api = await this.api()
    const body = { reason: flags.reason }
    const request = await api.request('POST', `${path}/revoke`, { body, schema: Request })
    if (this.json) {
      this.out.document(request)
      return
    }
    this.out.data(`Revoked ${request.id}. Its sessions are ended.`)
    this.out.hint(`\nhoop show ${request.id}`)
  }
}
