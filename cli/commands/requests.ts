import { setTimeout } from 'node:timers/promises'
import { Flags } from '@oclif/core'
import { z } from 'zod'
import { type Request, RequestChange, RequestList } from '../../protocol/api/requests.ts'
import { BaseCommand } from '../base-command.ts'
import type { BrokerApi } from '../broker-api.ts'
import { jsonLines } from '../json-lines.ts'
import { Interruption } from '../login/interruption.ts'
import { requestColumns } from '../output/request-screen.ts'
import { tableLines } from '../output/table.ts'

type View = 'inbox' | 'mine' | 'all'

/** Before a watch that ended is asked for again. */
const AGAIN_MS = 1000

const Change = z.union([RequestChange, z.object({ event: z.literal('watching') })])

const NOTHING: Readonly<Record<View, string>> = {
  inbox: 'Nothing waits for your decision.',
  mine: 'You have no requests.',
  all: 'There are no requests that you may see.',
}

const TITLES: Readonly<Record<View, string>> = {
  inbox: 'Requests that wait for your decision',
  mine: 'Your requests',
  all: 'All requests that you may see',
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
    const found = await list(api, view)
    if (this.json) this.out.document(found)
    else this.#print(found, view)
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

  /** A screen where a terminal is, lines elsewhere; Ctrl-C ends it. */
  async #watch(api: BrokerApi, view: View): Promise<void> {
    using interruption = new Interruption()
    const { signal } = interruption
    try {
      if (!this.out.onTerminal || this.json) {
        await follow(api, view, signal, (request) => this.#line(request))
        return
      }
      const { InboxScreen } = await import('../output/inbox-screen.ts')
      using screen = new InboxScreen(this.out, TITLES[view], view === 'inbox')
      await follow(api, view, signal, (request) => screen.show(request))
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  #line(request: Request): void {
    if (this.json) {
      this.out.event(request)
      return
    }
    const columns = requestColumns(this.out, Date.now(), { states: true })
    const [, line] = tableLines([request], columns, this.out)
    this.out.data(line ?? '')
  }
}

/**
 * Subscribes before it lists, so that no change falls between; shows each request as it comes and
 * when it has changed. The broker ends a watch with the token that asked for it: ask again.
 */
async function follow(
  api: BrokerApi,
  view: View,
  signal: AbortSignal,
  show: (request: Request) => void,
): Promise<void> {
  const shown = new Map<string, string>()
  const tell = (request: Request) => {
    const text = JSON.stringify(request)
    if (shown.get(request.id) !== text) show(request)
    shown.set(request.id, text)
  }
  while (!signal.aborted) {
    const response = await api.stream('GET', '/v1/requests/watch', { query: { view }, signal })
    for await (const change of jsonLines(response, Change)) {
      if (change.event === 'request') tell(change.request)
      else for (const request of (await list(api, view)).reverse()) tell(request)
    }
    await setTimeout(AGAIN_MS, undefined, { signal })
  }
}

function list(api: BrokerApi, view: View): Promise<Request[]> {
  return api.request('GET', '/v1/requests', { query: { view }, schema: RequestList })
}
