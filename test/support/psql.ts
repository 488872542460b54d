import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'

/** The real psql, where the machine has one. */

export const hasPsql = spawnSync('psql', ['--version']).status === 0

export interface PsqlEnded {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A script on its standard input, and what it has said so far. */
export class Psql {
  readonly ended: Promise<PsqlEnded>
  readonly #child
  readonly #waiting = new Set<() => void>()
  #stdout = ''
  #stderr = ''
  #gone = false

  constructor(url: string, args: readonly string[] = []) {
    const env = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', PSQLRC: '/dev/null' }
    this.#child = spawn('psql', ['-X', ...args, url], { env })
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
      this.#wake()
    })
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
      this.#wake()
    })
    this.ended = once(this.#child, 'close').then(([code]) => {
      const ended = { code: code as number | null, stdout: this.#stdout, stderr: this.#stderr }
      this.#gone = true
      this.#wake()
      return ended
    })
  }

  type(text: string): this {
    this.#child.stdin.write(text)
    return this
  }

  /** Ends the input; psql ends when it has done everything. */
  end(text = ''): Promise<PsqlEnded> {
    this.#child.stdin.end(text)
    return this.ended
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** The first match of the pattern in what psql says from now on, or has said. */
  async says(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.#stderr + this.#stdout)
      if (match) return match[0]
      if (this.#gone) {
        throw new Error(`psql ended before ${pattern}\n${this.#stdout}${this.#stderr}`)
      }
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
}
