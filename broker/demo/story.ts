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
  | {
      readonly event: 'result'
      readonly person: string
      readonly exit: number
      readonly stdout: string
      readonly stderr: string
    }

interface Ended {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

const RUN = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
const REQUEST = /\br-[0-9a-hjkmnp-tv-z]{10}\b/
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
function begin(stage: Stage, person: string, command: string[]) {
  stage.tell({ event: 'step', person, command })
  const child = spawn(process.execPath, [RUN, ...command], {
    env: { ...process.env, HOOP_HOME: stage.peopleHome, HOOP_PROFILE: person },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: stage.signal,
  })
  const output = collect(child)
  const ended = finish(child, output)
  return {
    says: (pattern: RegExp) => wordOf(child, output, ended, pattern),
    async ends(expected: ExitCode): Promise<Ended> {
      const result = await ended
      stage.tell({ event: 'result', person, ...result })
      if (result.exit !== expected) throw offScript(person, command, expected, result)
      return result
    },
  }
}

interface Output {
  stdout: string
  stderr: string
}

function collect(child: ChildProcess): Output {
  const output = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
  })
  return output
}

async function finish(child: ChildProcess, output: Output): Promise<Ended> {
  const [exit] = (await once(child, 'close')) as [number | null]
  return { exit: exit ?? EXIT.failed, ...output }
}

/** The first text on either stream that fits, as soon as it is there. */
async function wordOf(
  child: ChildProcess,
  output: Output,
  ended: Promise<Ended>,
  pattern: RegExp,
): Promise<string> {
  const ending = ended.then(() => 'ended' as const)
  for (;;) {
    const word = pattern.exec(output.stderr + output.stdout)?.[0]
    if (word !== undefined) return word
    const more = Promise.race([once(child.stderr!, 'data'), once(child.stdout!, 'data')])
    if ((await Promise.race([more, ending])) === 'ended') {
      throw offScript('alice', ['exec'], EXIT.done, await ended)
    }
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
