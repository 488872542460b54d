import { basename } from 'node:path'
import { Args } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'
import { askForChange, changeFlags } from '../../changes/ask.ts'
import { readTextFile } from '../../changes/text.ts'

export default class ConnectionsApply extends BaseCommand {
  static override summary =
    'Ask for a new connection, or another one; another administrator approves it.'
  static override description =
    `The file holds one entry as \`connections:\` of the broker's configuration has it, with password: {secret: NAME}. The policy
must have rules for it, and the secret must be in force. Once approved people can connect at once; those who are connected stay where they are.`
  static override args = {
    file: Args.string({ description: 'the connection; - reads from stdin', required: true }),
  }
  static override flags = changeFlags
  static override examples = ['<%= config.bin %> connections apply pg-new.yaml --reason "ticket 7"']

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ConnectionsApply)
    const text = readTextFile(args.file)
    const file = args.file === '-' ? 'stdin' : basename(args.file)
    const body = { text, file, reason: flags.reason }
    const api = await this.api()
    await askForChange(api, { path: '/v1/connections', body }, flags, this.out)
  }
}
