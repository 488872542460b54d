import { Flags } from '@oclif/core'
import type { Request } from '../../protocol/api/requests.ts'
import { BaseCommand } from '../base-command.ts'
import type { BrokerApi } from '../broker-api.ts'
import { Interruption } from '../login/interruption.ts'
import { requestColumns } from '../output/request-screen.ts'
import { tableLines } from '../output/table.ts'
import { follow, listRequests, type View } from '../requests/follow.ts'
import { INBOX_KEYS, keysText } from '../screens/keys.ts'

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
one that you may see, in every state, newest first. --watch goes on: a screen on a terminal
(keys: ${keysText(INBOX_KEYS)}), a line for each change elsewhere.`
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
    const found = await listRequests(api, view)
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
    if (this.out.isScreen) {
      const { openScreen } = await import('../screens/open.ts')
      return openScreen({ api, out: this.out, view, title: TITLES[view], only: null })
    }
    using interruption = new Interruption()
    const changed = onceEach((request) => this.#line(request))
    await follow(api, view, interruption.signal, {
      changed,
      listed: (list) => [...list].reverse().forEach(changed),
    })
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

/** Shows each as it comes and when it has changed. */
function onceEach(show: (request: Request) => void): (request: Request) => void {
  const shown = new Map<string, string>()
  return (request) => {
    const text = JSON.stringify(request)
    if (shown.get(request.id) !== text) show(request)
    shown.set(request.id, text)
  }
}
