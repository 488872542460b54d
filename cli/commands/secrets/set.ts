import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'
import { askForChange, changeFlags } from '../../changes/ask.ts'
import { secretValue } from '../../changes/value.ts'

export default class SecretsSet extends BaseCommand {
  static override summary = 'Set or replace a secret; another administrator approves it.'
  static override description =
    `The value comes from stdin, from a file, or from a prompt that does not show it; never from an argument. The broker seals
it at once; nobody sees it again, approvers included. Once approved, connections that name it log in with it from their next connection on.`
  static override args = {
    name: Args.string({ required: true, description: 'as connections name it: {secret: NAME}' }),
  }
  static override flags = {
    ...changeFlags,
    file: Flags.string({ description: 'read the value from this file', helpValue: 'FILE' }),
  }
  static override examples = [
    '<%= config.bin %> secrets set pg-prod < password.txt',
    '<%= config.bin %> secrets set pg-prod --file password.txt --reason "yearly rotation"',
  ]

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SecretsSet)
    const api = await this.api()
    const value = await secretValue(flags.file, args.name)
    const body = { name: args.name, value, reason: flags.reason }
    await askForChange(api, { path: '/v1/secrets', body }, flags, this.out)
  }
}
