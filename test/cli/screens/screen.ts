import { setTimeout as pause } from 'node:timers/promises'
import { render } from 'ink-testing-library'
import { createElement as h } from 'react'
import { App, type AppProps } from '../../../cli/screens/app.ts'
import type { Deed, Desk } from '../../../cli/screens/desk.ts'
import { RequestFeed } from '../../../cli/screens/feed.ts'
import type { Request } from '../../../protocol/api/requests.ts'
import { HoopError } from '../../../protocol/errors.ts'

/** The screens with a keyboard and a window, and a broker that says what the test wants. */

export const KEYS = {
  enter: '\r',
  esc: '\x1b',
  down: '\x1b[B',
  up: '\x1b[A',
  pageDown: '\x1b[6~',
  backspace: '\x7f',
  ctrlC: '\x03',
  ctrlU: '\x15',
} as const

/** What has not come by then never comes. */
const PATIENCE = 15_000

export class FakeDesk implements Desk {
  readonly requests = new Map<string, Request>()
  readonly done: string[] = []
  /** What the broker answers instead. */
  refusal: HoopError | null = null

  constructor(...requests: readonly Request[]) {
    for (const request of requests) this.requests.set(request.id, request)
  }

  readonly load = (id: string): Promise<Request> => {
    const request = this.requests.get(id)
    if (request) return Promise.resolve(request)
    return Promise.reject(new HoopError({ code: 'unknown_request', message: `There is no ${id}.` }))
  }

  readonly act = async (deed: Deed, id: string, text: string): Promise<Request> => {
    this.done.push(`${deed} ${id} ${JSON.stringify(text)}`)
    if (this.refusal) throw this.refusal
    const request = await this.load(id)
    if (deed === 'ask' || deed === 'answer') return request
    return { ...request, state: deed === 'approve' ? 'approved' : 'rejected' }
  }
}

export class Screen {
  readonly feed: RequestFeed
  readonly #shown: ReturnType<typeof render>

  constructor(desk: Desk, { columns = 80, rows = 24, ...more }: Partial<AppProps & Size> = {}) {
    this.feed = new RequestFeed(({ state }) => state === 'pending')
    const style: AppProps['style'] = (_style, text) => text
    const common = { feed: this.feed, desk, title: 'Waiting', style, isMine: false, only: null }
    this.#shown = render(h(App, { ...common, me: 'bob@example.com', ...more }))
    this.resize(columns, rows)
  }

  /** The lines of the window, without blanks at their ends. */
  get lines(): string[] {
    return (this.#shown.lastFrame() ?? '').split('\n').map((line) => line.trimEnd())
  }

  get text(): string {
    return this.lines.join('\n')
  }

  resize(columns: number, rows: number): void {
    const { stdout } = this.#shown
    Object.defineProperty(stdout, 'columns', { value: columns, configurable: true })
    Object.defineProperty(stdout, 'rows', { value: rows, configurable: true })
    stdout.emit('resize')
  }

  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      await this.#settled()
      this.#shown.stdin.write(key)
    }
    await this.#settled()
  }

  /** A lone escape is one only after a moment in which nothing follows it; then nothing is drawn. */
  async #settled(): Promise<void> {
    for (let before = -1; before !== this.#shown.frames.length; ) {
      before = this.#shown.frames.length
      await pause(30)
      await new Promise(setImmediate)
    }
  }

  /** Until the window shows it. */
  async until(pattern: RegExp): Promise<void> {
    for (const end = Date.now() + PATIENCE; !pattern.test(this.text); await pause(5)) {
      if (Date.now() > end) throw new Error(`never ${pattern}:\n${this.text}`)
    }
  }

  close(): void {
    this.#shown.unmount()
    this.#shown.cleanup()
  }
}

interface Size {
  readonly columns: number
  readonly rows: number
}
