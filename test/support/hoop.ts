import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The command line as a process, driven from outside: arguments in, streams and an exit code out. */

export const RUN = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

/** A hung process fails its test instead of holding the run for ever. */
const PATIENCE = 60_000

export interface Identity {
  /** HOOP_HOME: every file that the CLI keeps. */
  readonly home: string
  /** HOOP_PROFILE. */
  readonly profile: string
}

export interface HoopOptions {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  /** Another program of ours than the command line. */
  readonly program?: string
}

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export type Event = Readonly<Record<string, unknown>>

/** Runs one command line to its end. */
export function hoop(
  args: readonly string[],
  identity: Identity,
  options: HoopOptions = {},
): Promise<Finished> {
  return new RunningHoop(args, identity, options).finished
}

/** The one JSON document on stdout. */
export function document<T = Event>(finished: Finished): T {
  if (finished.code !== 0) throw new Error(describe(finished))
  return JSON.parse(finished.stdout) as T
}

export interface Failure {
  readonly code: string
  readonly message: string
  readonly hint: string | null
  readonly exit: number
}

/** The last line on stderr of a failure with --json. */
export function failure(finished: Finished): Failure {
  const last = finished.stderr.trim().split('\n').at(-1) ?? ''
  if (!last.startsWith('{"error":')) throw new Error(describe(finished))
  return (JSON.parse(last) as { error: Failure }).error
}

export function describe(finished: Finished): string {
  return `exit ${finished.code}\n--- stdout\n${finished.stdout}\n--- stderr\n${finished.stderr}`
}

/** A command that goes on: `demo`, `connect`, an `exec` that waits. */
export class RunningHoop {
  readonly finished: Promise<Finished>
  readonly #child: ChildProcess
  readonly #events: Event[] = []
  readonly #waiting = new Set<() => void>()
  #stdout = ''
  #stderr = ''
  #ended = false

  constructor(args: readonly string[], identity: Identity, options: HoopOptions = {}) {
    const program = options.program ?? RUN
    this.#child = spawn(process.execPath, [program, ...args], {
      env: environment(identity, options),
    })
    this.#child.stdin?.end(options.input ?? '')
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
      this.#wake()
    })
    this.#follow()
    this.finished = this.#finish(args, isLong(args, options))
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  /** What it has said so far, for a look in between. */
  get stderr(): string {
    return this.#stderr
  }

  get stdout(): string {
    return this.#stdout
  }

  /** Its end, if it has ended by now; a test that wants it up can say what happened instead. */
  get gone(): boolean {
    return this.#ended
  }

  /** The next line of stdout that is an event of this name; those before it are passed over. */
  async event(name: string): Promise<Event> {
    return this.line((event) => event['event'] === name, `the event ${name}`)
  }

  /** The next line of stdout that fits. */
  async line(fits: (event: Event) => boolean, what = 'a line'): Promise<Event> {
    await this.until(() => this.#events.some(fits), what)
    const at = this.#events.findIndex(fits)
    return this.#events.splice(0, at + 1).at(-1) as Event
  }

  /** What came until now is not what the test waits for. */
  forget(): void {
    this.#events.length = 0
  }

  /** Waits for what the process has said to make this true. */
  async until(holds: () => boolean, what: string): Promise<void> {
    while (!holds()) {
      if (this.#ended)
        throw new Error(`hoop ended before ${what}\n${describe(await this.finished)}`)
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ctrl-C, then its end. */
  async interrupt(): Promise<Finished> {
    this.kill('SIGINT')
    return this.finished
  }

  #follow(): void {
    const stdout = this.#child.stdout
    if (stdout === null) throw new Error('hoop has no stdout')
    createInterface({ input: stdout, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => {
      this.#stdout += `${line}\n`
      if (line.startsWith('{')) this.#events.push(parsed(line))
      this.#wake()
    })
  }

  async #finish(args: readonly string[], long: boolean): Promise<Finished> {
    const late = setTimeout(
      () => {
        this.#stderr += `\n(test: hoop ${args.join(' ')} did not end and was killed)\n`
        this.kill('SIGKILL')
      },
      PATIENCE * (long ? 5 : 1),
    )
    const [code] = (await once(this.#child, 'close')) as [number | null]
    clearTimeout(late)
    this.#ended = true
    this.#wake()
    return { code, stdout: this.#stdout, stderr: this.#stderr }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
}

/** It goes on as long as its test. */
function isLong(args: readonly string[], { program }: HoopOptions): boolean {
  return program !== undefined || args[0] === 'demo' || args[0] === 'connect'
}

/** A pretty-printed document has lines that start with a brace and are no object of their own. */
function parsed(line: string): Event {
  try {
    return JSON.parse(line) as Event
  } catch (error) {
    return { event: 'unreadable', line, error: String(error) }
  }
}

/** Nothing of the caller's own hoop, terminal or proxy gets in. */
export function environment(identity: Identity, options: HoopOptions): NodeJS.ProcessEnv {
  const { PATH, TMPDIR, LANG, NODE_COMPILE_CACHE } = process.env
  return {
    ...{ PATH, TMPDIR, LANG, NODE_COMPILE_CACHE },
    HOME: identity.home,
    HOOP_HOME: identity.home,
    HOOP_PROFILE: identity.profile,
    HOOP_KEYCHAIN: 'file',
    NO_COLOR: '1',
    ...options.env,
  }
}
