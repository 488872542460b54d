import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { EXIT, type ExitCode, HoopError } from '../../protocol/errors.ts'

/**
 * The tour: one write that waits for another person, told by the real command line. Every step is a
 * process with the person's own profile, and every step must end as the story says.
 */

export interface Stage {
  readonly broker: string
  /** HOOP_HOME of everybody in the story; each has a profile. */
  readonly peopleHome: string
  readonly signal: AbortSignal
  readonly tell: (beat: Beat) => void
}

/** What the teller is given, in order. */
export type Beat =
  | { readonly event: 'scene'; readonly text: string }
  | { readonly event: 'step'; readonly person: string; readonly command: readonly string[] }
  /** A command that goes on has said this so far. */
  | ({ readonly event: 'output'; readonly person: string } & Output)
  /** The rest, and its end. */
  | ({ readonly event: 'result'; readonly person: string; readonly exit: number } & Output)

interface Output {
  readonly stdout: string
  readonly stderr: string
}

interface Ended extends Output {
  readonly exit: number
}

const RUN = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
/** Where a held command says how to go on. */
const REQUEST = /(?<=hoop approve )r-[0-9a-hjkmnp-tv-z]{10}\b/
const SESSION = /\bs-[0-9a-hjkmnp-tv-z]{10}\b/

const PEEK = 'SELECT id, name, ssn AS s, card_number, salary FROM people WHERE id <= 3 ORDER BY id'
const RAISE = 'UPDATE people SET salary = salary + 1000 WHERE id = 3'

export async function tellStory(stage: Stage): Promise<void> {
  scene(stage, 'Three people log in, each in a profile of their own.')
  for (const person of ['alice', 'bob', 'carol']) {
    await step(stage, person, ['login', '--broker', stage.broker, '--as', person])
  }
  scene(stage, 'alice reads. Whatever she calls the column, the number stays hidden.')
  await step(stage, 'alice', ['exec', 'pg-prod', '-c', PEEK])

  scene(stage, 'alice writes. Nothing reaches the database: the statement waits for a dba.')
  const raise = begin(stage, 'alice', ['exec', 'pg-prod', '-c', RAISE])
  const request = await raise.says(REQUEST)
  scene(stage, 'She cannot approve it herself.')
  await step(stage, 'alice', ['approve', request], EXIT.refused)

  scene(stage, 'bob is a dba. He sees who asks, what exactly would run, and says yes.')
  await step(stage, 'bob', ['requests'])
  await step(stage, 'bob', ['show', request])
  await step(stage, 'bob', ['approve', request, '--comment', 'yearly raise, ticket 4711'])
  scene(stage, "alice's statement has run, once, exactly as bob saw it.")
  await raise.ends(EXIT.done)

  scene(stage, 'carol audits: she finds it, watches it again, and checks that nothing was changed.')
  const found = await step(stage, 'carol', ['sessions', 'search', 'salary', '--user', 'alice'])
  const session = sessionOf(found.stdout)
  await step(stage, 'carol', ['sessions', 'replay', session, '--speed', '1000'])
  await step(stage, 'carol', ['sessions', 'verify', '--all'])
}

function scene(stage: Stage, text: string): void {
  stage.tell({ event: 'scene', text })
}

async function step(stage: Stage, person: string, command: string[], expected: ExitCode = 0) {
  return begin(stage, person, command).ends(expected)
}

/** Starts a command that may have to wait for somebody else's. */
function begin(stage: Stage, person: string, command: string[]): Running {
  stage.tell({ event: 'step', person, command })
  return new Running(stage, person, command)
}

/** A person's command while it runs. */
class Running {
  readonly #stage: Stage
  readonly #person: string
  readonly #command: string[]
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown[]>
  /** Said, and not yet told. */
  #untold = { stdout: '', stderr: '' }

  constructor(stage: Stage, person: string, command: string[]) {
    this.#stage = stage
    this.#person = person
    this.#command = command
    this.#child = spawn(process.execPath, [RUN, ...command], {
      env: { ...process.env, HOOP_HOME: stage.peopleHome, HOOP_PROFILE: person },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: stage.signal,
    })
    for (const name of ['stdout', 'stderr'] as const) {
      this.#child[name]?.setEncoding('utf8').on('data', (text: string) => {
        this.#untold[name] += text
      })
    }
    this.#ended = once(this.#child, 'close')
  }

  /** Waits until it has said a word of this kind, and tells what it has said. */
  async says(pattern: RegExp): Promise<string> {
    const ended = this.#ended.then(() => null)
    for (;;) {
      const word = pattern.exec(this.#untold.stderr + this.#untold.stdout)?.[0]
      if (word !== undefined) {
        this.#stage.tell({ event: 'output', person: this.#person, ...this.#take() })
        return word
      }
      if ((await Promise.race([this.#more(), ended])) === null) return this.#silent()
    }
  }

  /** Waits for its end, which must be the one that the story expects. */
  async ends(expected: ExitCode): Promise<Ended> {
    const [code] = await this.#ended
    const exit = typeof code === 'number' ? code : EXIT.failed
    const ended = { exit, ...this.#take() }
    this.#stage.tell({ event: 'result', person: this.#person, ...ended })
    if (exit !== expected) throw offScript(this.#person, this.#command, expected, ended)
    return ended
  }

  /** It has ended without the word that the story needs. */
  async #silent(): Promise<never> {
    const ended = await this.ends(EXIT.done)
    throw offScript(this.#person, this.#command, EXIT.done, ended)
  }

  #more(): Promise<unknown[]> {
    const streams = [this.#child.stdout, this.#child.stderr].filter((stream) => stream !== null)
    return Promise.race(streams.map((stream) => once(stream, 'data')))
  }

  #take(): Output {
    const untold = this.#untold
    this.#untold = { stdout: '', stderr: '' }
    return untold
  }
}

function sessionOf(listing: string): string {
  const session = SESSION.exec(listing)?.[0]
  if (session !== undefined) return session
  throw new HoopError({
    code: 'demo_failed',
    message: `The demo's search found no session: ${listing.trim()}`,
    hint: 'Please report this.',
  })
}

function offScript(person: string, command: string[], expected: ExitCode, { exit, stderr }: Ended) {
  const said = stderr.trim().split('\n').slice(-2).join(' ')
  return new HoopError({
    code: 'demo_failed',
    message: `${person}'s \`hoop ${command.join(' ')}\` ended with ${exit} instead of ${expected}: ${said}`,
    hint: '`hoop demo --no-tour` starts everything without the story.',
  })
}
