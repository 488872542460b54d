import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { stripVTControlCharacters } from 'node:util'
import { environment, type Identity, RUN } from './hoop.ts'

/** A command line in a pseudo terminal (`script` of util-linux), with somebody at its keyboard. */

const PATIENCE = 60_000

export class Terminal {
  /** Its exit code. */
  readonly finished: Promise<number | null>
  readonly #child: ChildProcess
  readonly #waiting = new Set<() => void>()
  #shown = ''
  #ended = false

  constructor(args: readonly string[], identity: Identity, size = { columns: 80, rows: 24 }) {
    const words = [process.execPath, RUN, ...args].map((word) => `'${word}'`).join(' ')
    const command = `stty cols ${size.columns} rows ${size.rows}; exec ${words}`
    const env = environment(identity, { env: { TERM: 'xterm-256color', SHELL: '/bin/sh' } })
    this.#child = spawn('script', ['-qefc', command, '/dev/null'], { env })
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#shown += text
      this.#wake()
    })
    this.finished = this.#finish()
  }

  /** All that was shown since the last key, frame after frame, without what moves and paints it. */
  get text(): string {
    return stripVTControlCharacters(this.#shown).replaceAll('\r', '')
  }

  press(keys: string): void {
    this.#shown = ''
    this.#child.stdin?.write(keys)
  }

  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.text)
      if (found) return found
      if (this.#ended) throw new Error(`it ended before ${pattern}\n${this.text}`)
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  async #finish(): Promise<number | null> {
    const late = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE)
    const [code] = (await once(this.#child, 'close')) as [number | null]
    clearTimeout(late)
    this.#ended = true
    this.#wake()
    return code
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
}
