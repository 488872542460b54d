import { readFile } from 'node:fs/promises'
import { Args, Flags } from '@oclif/core'
import { Explanation } from '../../../protocol/api/explain.ts'
import { BaseCommand } from '../../base-command.ts'
import { factLines } from '../../output/facts.ts'
import { describeNeeds } from '../../output/request-fields.ts'
import { visibleLine } from '../../output/visible.ts'
import { wrap } from '../../output/width.ts'

const COLOURS = { allow: 'green', hold: 'yellow', deny: 'red' } as const

export default class PolicyExplain extends BaseCommand {
  static override summary = 'What would happen to a statement, without running it.'
  static override args = {
    connection: Args.string({ required: true, description: 'a connection of yours' }),
  }
  static override flags = {
    command: Flags.string({ char: 'c', description: 'the statement', helpValue: 'SQL' }),
    file: Flags.string({
      char: 'f',
      description: 'read it from this file',
      helpValue: 'FILE',
      exclusive: ['command'],
    }),
  }
  static override examples = [
    '<%= config.bin %> policy explain pg-prod -c "DELETE FROM orders WHERE id = 7"',
  ]

  async run(): Promise<void> {
    const { args, flags } = await this.parse(PolicyExplain)
    const { statementOf } = await import('../../statement.ts')
    const sql = await statementOf({ command: flags.command, file: flags.file }, readFile)
    const api = await this.api()
    const body = { connection: args.connection, sql }
    const answer = await api.request('POST', '/v1/explain', { body, schema: Explanation })
    if (this.json) {
      this.out.document(answer)
      return
    }
    this.#print(answer)
    if (answer.decision !== 'deny') this.out.hint(`\nhoop exec ${args.connection} -c 'SQL'`)
  }

  #print(answer: Explanation): void {
    const decision = this.out.style(COLOURS[answer.decision], answer.decision)
    const none = (way: Explanation['approvers']) => way.map((need) => ({ ...need, have: 0 }))
    const { approvers, alternatives } = answer
    const needs = describeNeeds({
      needs: none(approvers),
      alternatives: alternatives.map(none),
    })
    this.#field('decision', decision + (needs ? `, needs ${visibleLine(needs)}` : ''))
    this.#field('class', answer.class)
    const place = answer.places.length > 0 ? ` (${answer.places.join(', ')})` : ''
    this.#field('rule', visibleLine(answer.rule + place))
    this.#field('policy', `version ${answer.policy_version}`)
    if (answer.reason !== null) this.#field('reason', visibleLine(answer.reason))
    for (const facts of answer.facts) {
      this.out.data('')
      for (const [name, text] of factLines(facts)) this.#field(name, visibleLine(text))
    }
    const isAlone = answer.facts.length === 1
    if (answer.masked.length && !isAlone)
      this.#field('masked', visibleLine(answer.masked.join(', ')))
  }

  #field(name: string, text: string): void {
    const [first = '', ...rest] = wrap(text, Math.max(20, this.out.width - 11))
    this.out.data(this.out.style('dim', name.padEnd(11)) + first)
    for (const line of rest) this.out.data(' '.repeat(11) + line)
  }
}
