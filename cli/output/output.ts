import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** Columns where nothing says how wide the terminal is. */
const DEFAULT_WIDTH = 80

/**
 * The two streams of the command line. stdout is data: what a script reads. stderr is talk: what a
 * person reads while waiting. Colour and hints only where a terminal is.
 */
export class Output {
  readonly json: boolean

  constructor(json: boolean) {
    this.json = json
  }

  /** A line (or several) of data. */
  data(text: string): void {
    process.stdout.write(`${text}\n`)
  }

  /** `--json` for a command that prints one thing. */
  document(value: unknown): void {
    this.data(JSON.stringify(value, null, this.onTerminal ? 2 : undefined))
  }

  /** `--json` for a command that prints as things happen: one object a line, at once. */
  event(value: unknown): void {
    this.data(JSON.stringify(value))
  }

  /** A line for the person at the terminal. With --json it goes to stderr all the same. */
  say(text: string): void {
    process.stderr.write(`${text}\n`)
  }

  /** The next command, pre-filled. On a terminal only, never with --json. */
  hint(text: string): void {
    if (this.json || !this.onTerminal) return
    this.say(this.faint(text))
  }

  /** True: a person looks at stdout. */
  get onTerminal(): boolean {
    return process.stdout.isTTY === true
  }

  /** True: somebody is there to be asked. */
  get interactive(): boolean {
    return process.stdin.isTTY === true && process.stderr.isTTY === true
  }

  /** True: a screen with keys can be shown. */
  get isScreen(): boolean {
    return !this.json && this.onTerminal && process.stdin.isTTY === true
  }

  /** Columns that a screen may use. */
  get width(): number {
    return process.stdout.columns ?? process.stderr.columns ?? DEFAULT_WIDTH
  }

  bold(text: string): string {
    return this.style('bold', text)
  }

  /** For talk on stderr; styleText itself obeys NO_COLOR and a stream that is no terminal. */
  faint(text: string): string {
    return styleText('dim', text, { stream: process.stderr })
  }

  /** For data on stdout. */
  style(style: Style, text: string): string {
    return styleText(style, text, { stream: process.stdout })
  }

  /** For talk on stderr. */
  styleTalk(style: Style, text: string): string {
    return styleText(style, text, { stream: process.stderr })
  }
}
