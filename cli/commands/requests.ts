import { Flags } from '@oclif/core'
import { z } from 'zod'
import { type Request, RequestChange, RequestList } from '../../protocol/api/requests.ts'
import { BaseCommand } from '../base-command.ts'
import type { BrokerApi } from '../broker-api.ts'
import { jsonLines } from '../json-lines.ts'
import { requestColumns } from '../output/request-screen.ts'
import { tableLines } from '../output/table.ts'

type View = 'inbox' | 'mine' | 'all'

const Change = z.union([RequestChange, z.object({ event: z.literal('watching') })])

const NOTHING: Readonly<Record<View, string>> = {
  inbox: 'Nothing waits for your decision.',
  mine: 'You have no requests.',
  all: 'There are no requests that you may see.',
}

export default class Requests extends BaseCommand {
  static override summary = 'What waits for your decision.'
  static override description =
    `Without a flag: the pending requests that you may decide. --mine: your own, --all: every
one that you may see, in every state, newest first.`
  static override flags = {
    mine: Flags.boolean({ description: 'what you asked for, in every state', exclusive: ['all'] }),
    all: Flags.boolean({ description: 'every request that you may see, in every state' }),
    watch: Flags.boolean({ description: 'go on, and show each as it comes or changes' }),
  }
  static override examples = [
    '<%= config.bin %> requests',
    '<%= config.bin %> requests --mine --json',
    '<%= config.bin %> requests --watch',
  ]

  async run(): Promise<void> {
    const { flags } = await this.parse(Requests)
    const view: View = flags.mine ? 'mine' : flags.all ? 'all' : 'inbox'
    const api = await this.api()
    if (flags.watch) return this.#watch(api, view)
    const list = await this.#list(api, view)
    if (this.json) {
      this.out.document(list)
      return
    }
    this.#print(list, view)
  }

  #list(api: BrokerApi, view: View): Promise<Request[]> {
    return api.request('GET', '/v1/requests', { query: { view }, schema: RequestList })
  }

  #print(list: readonly Request[], view: View): void {
    const [first] = list
    if (!first) {
      this.out.say(NOTHING[view])
      if (view === 'inbox') this.out.hint('hoop requests --mine shows your own.')
      return
    }
    const columns = requestColumns(this.out, Date.now(), { states: view !== 'inbox' })
    for (const line of tableLines(list, columns, this.out)) this.out.data(line)
    const show = `\nhoop show ${first.id}`
    this.out.hint(view === 'inbox' ? `${show}\nhoop approve ${first.id}` : show)
  }

  /** Subscribes before it lists, so that no change falls between; Ctrl-C ends it. */
  async #watch(api: BrokerApi, view: View): Promise<void> {
    const response = await api.stream('GET', '/v1/requests/watch', { query: { view } })
    if (!this.json) this.out.say('Watching; Ctrl-C ends it.')
    for await (const change of jsonLines(response, Change)) {
      if (change.event === 'request') this.#show(change.request)
      else for (const request of (await this.#list(api, view)).reverse()) this.#show(request)
    }
  }

  #show(request: Request): void {
    if (this.json) {
      this.out.event(request)
      return
    }
    const columns = requestColumns(this.out, Date.now(), { states: true })
    const [, line] = tableLines([request], columns, this.out)
    this.out.data(line ?? '')
  }
}
