import { Args, Flags } from '@oclif/core'
import { Killed } from '../../../protocol/api/sessions.ts'
import { BaseCommand } from '../../base-command.ts'
import { sessionPath } from '../../record/sessions.ts'

export default class SessionsKill extends BaseCommand {
  static override summary = 'End a live session.'
  static override description =
    'Your own, or as an admin any. The reason is recorded, and told to the person.'
  static override args = { id: Args.string({ required: true, description: 'the session' }) }
  static override flags = {
    reason: Flags.string({ required: true, description: 'why', helpValue: 'TEXT' }),
  }
  static override examples = [
    '<%= config.bin %> sessions kill s-7k2mq8w9xe --reason "runs away with the disk"',
  ]

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SessionsKill)
    const api = await this.api()
    const body = { reason: flags.reason }
    const path = `${sessionPath(args.id)}/kill`
    const killed = await api.request('POST', path, { body, schema: Killed })
    if (this.json) this.out.document(killed)
    else this.out.data(`${killed.session} was ended.`)
    this.out.hint(`\nhoop sessions show ${killed.session}`)
  }
}
