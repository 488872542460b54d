import { basename } from 'node:path'
import { Args } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'
import { askForChange, changeFlags } from '../../changes/ask.ts'
import { readTextFile } from '../../changes/text.ts'

export default class PolicyApply extends BaseCommand {
  static override summary = 'Ask for a change of the policy; another administrator approves it.'
  static override description =
    `The broker checks the file (faults as FILE:LINE:COLUMN, exit 2) and shows approvers what becomes looser or stricter, and the
whole difference to the version in force. Once approved it is in force at once, in open sessions from their next statement on. Exits 5 when
it was rejected, 6 when nobody decided in time.`
  static override args = {
    file: Args.string({ description: 'the policy; - reads from stdin', required: true }),
  }
  static override flags = changeFlags
  static override examples = [
    '<%= config.bin %> policy apply policy.yaml --reason "ticket 4711"',
    '<%= config.bin %> policy apply policy.yaml --no-wait --json',
  ]

  async run(): Promise<void> {
    const { args, flags } = await this.parse(PolicyApply)
    const text = readTextFile(args.file)
    const file = args.file === '-' ? 'stdin' : basename(args.file)
    const body = { text, file, reason: flags.reason }
    const api = await this.api()
    await askForChange(api, { path: '/v1/policy', body }, flags, this.out)
  }
}
