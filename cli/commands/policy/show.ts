import { PolicyInForce } from '../../../protocol/api/changes.ts'
import { BaseCommand } from '../../base-command.ts'
import { describeTime } from '../../output/time.ts'
import { visible, visibleLine } from '../../output/visible.ts'

export default class PolicyShow extends BaseCommand {
  static override summary = 'The policy in force: its text, its version, and who wanted it so.'
  static override description =
    'For administrators and auditors. The text goes to stdout, so that it can be changed and applied.'
  static override examples = ['<%= config.bin %> policy show > policy.yaml']

  async run(): Promise<void> {
    await this.parse(PolicyShow)
    const api = await this.api()
    const policy = await api.request('GET', '/v1/policy', { schema: PolicyInForce })
    if (this.json) {
      this.out.document(policy)
      return
    }
    const { version, at, authors, request, text } = policy
    const by = request === null ? 'the configuration file' : `${authors.join(', ')} (${request})`
    this.out.say(visibleLine(`Version ${version}, by ${by}, since ${describeTime(at)}.`))
    this.out.data((this.out.onTerminal ? visible(text) : text).replace(/\n$/, ''))
  }
}
