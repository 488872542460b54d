import { BaseCommand } from '../../base-command.ts'

export default class PolicySchema extends BaseCommand {
  static override summary = 'Print the JSON Schema of a policy, for editors.'
  static override description =
    'Needs no broker. Write it beside the policy and name it in the first line there: # yaml-language-server: $schema=policy.schema.json'
  static override examples = ['<%= config.bin %> policy schema > policy.schema.json']

  async run(): Promise<void> {
    await this.parse(PolicySchema)
    const { policyJsonSchema } = await import('../../../broker/policy/schema.ts')
    this.out.data(JSON.stringify(policyJsonSchema(), null, 2))
  }
}
