import type { Request } from '../../protocol/api/requests.ts'
import type { Output } from './output.ts'
import { requestColumns } from './request-screen.ts'
import { tableLines } from './table.ts'
import { fit } from './width.ts'

/** DEC private modes 1049 (the other screen) and 25 (the cursor). */
const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'
/** Home; then each line clears what stood behind it, so that nothing flickers. */
const HOME = '\x1b[H'
const REST_OF_LINE = '\x1b[K'
const REST_OF_SCREEN = '\x1b[J'

/** Ages are wrong by no more than this. */
const TICK_MS = 1000

/** The inbox as a screen of its own that changes in place; the terminal is given back as it was. */
export class InboxScreen implements Disposable {
  readonly #out: Output
  readonly #title: string
  readonly #pendingOnly: boolean
  readonly #requests = new Map<string, Request>()
  readonly #timer: NodeJS.Timeout
  readonly #redraw = (): void => this.#draw()

  constructor(out: Output, title: string, pendingOnly: boolean) {
    this.#out = out
    this.#title = title
    this.#pendingOnly = pendingOnly
    process.stdout.write(ENTER)
    process.stdout.on('resize', this.#redraw)
    this.#timer = setInterval(this.#redraw, TICK_MS)
    this.#draw()
  }

  show(request: Request): void {
    if (this.#pendingOnly && request.state !== 'pending') this.#requests.delete(request.id)
    else this.#requests.set(request.id, request)
    this.#draw()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    process.stdout.off('resize', this.#redraw)
    process.stdout.write(LEAVE)
  }

  #draw(): void {
    const room = Math.max(4, (process.stdout.rows ?? 24) - 1)
    const lines = this.lines(Date.now()).slice(0, room)
    process.stdout.write(
      HOME + lines.map((line) => `${line}${REST_OF_LINE}\n`).join('') + REST_OF_SCREEN,
    )
  }

  /** Newest first; below them the command that comes next. */
  lines(now: number): string[] {
    const list = [...this.#requests.values()].sort((a, b) =>
      b.created_at.localeCompare(a.created_at),
    )
    const head = [this.#out.bold(this.#title), '']
    const [first] = list
    if (!first) return [...head, 'Nothing yet. What comes appears here. Ctrl-C ends it.']
    const columns = requestColumns(this.#out, now, { states: !this.#pendingOnly })
    const hint = fit(`hoop show ${first.id} · Ctrl-C ends this`, this.#out.width)
    return [...head, ...tableLines(list, columns, this.#out), '', this.#out.style('dim', hint)]
  }
}
