import { Args } from '@oclif/core'
import { Duties } from '../../../protocol/api/requests.ts'
import { BaseCommand } from '../../base-command.ts'
import { describeNeeds } from '../../output/request-fields.ts'
import { tableLines } from '../../output/table.ts'
import { visibleLine } from '../../output/visible.ts'
import { requestPath } from '../../request-path.ts'

export default class SodExplain extends BaseCommand {
  static override summary = 'Who could decide a request, who could not, and why.'
  static override args = { id: Args.string({ required: true, description: 'the request' }) }
  static override examples = ['<%= config.bin %> sod explain r-7k2mq8w9xe']

  async run(): Promise<void> {
    const { args } = await this.parse(SodExplain)
    const path = `${requestPath(args.id)}/sod`
    const api = await this.api()
    const duties = await api.request('GET', path, { schema: Duties })
    if (this.json) {
      this.out.document(duties)
      return
    }
    this.#print(duties)
  }

  #print(duties: Duties): void {
    const { request, requester, state, rules, people } = duties
    this.out.data(`${this.out.bold(request)}  ${state}, asked by ${visibleLine(requester)}`)
    this.out.data(`needs ${visibleLine(describeNeeds(duties)) || 'nobody'}\n`)
    const columns = [
      { title: 'WHO', of: (row: Person) => named(row), flexible: true },
      {
        title: 'MAY',
        of: (row: Person) => (row.may ? 'yes' : 'no'),
        paint: (cell: string, row: Person) => this.out.style(row.may ? 'green' : 'dim', cell),
      },
      { title: 'WHY', of: (row: Person) => row.why, flexible: true },
    ]
    for (const line of tableLines(people, columns, this.out)) this.out.data(line)
    if (rules.length) this.out.data('')
    for (const rule of rules) this.out.data(`- ${visibleLine(rule)}`)
    if (state === 'pending') this.out.hint(`\nhoop show ${request}`)
  }
}

type Person = Duties['people'][number]

/** `alice@example.com (you), also ci-deploy` */
function named({ person, you, machine, also }: Person): string {
  const what = you ? ' (you)' : machine ? ' (machine)' : ''
  return `${person}${what}${also.length === 0 ? '' : `, also ${also.join(', ')}`}`
}
