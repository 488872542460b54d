import { readFileSync } from 'node:fs'
import { message } from './messages.ts'

/** What a driver once said, message by message, and what it waited for before it went on. */

export type RecordedStep =
  /** Messages that it sent at once: the type, then the body as Latin-1. */
  | { readonly say: Buffer; readonly until: string | null }
  /** It gave up: a CancelRequest. */
  | { readonly cancel: true }
  /** What somebody else did meanwhile, as SQL. */
  | { readonly behind: string; readonly until: string }

interface Line {
  readonly scene: string
  readonly send?: readonly string[]
  readonly until?: string | null
  readonly cancel?: true
  readonly behind?: string
}

/** Scene → its steps, each of a connection of its own. */
export function recordedClient(name: string): ReadonlyMap<string, readonly RecordedStep[]> {
  const file = new URL(`../fixtures/${name}`, import.meta.url)
  const scenes = new Map<string, RecordedStep[]>()
  for (const text of readFileSync(file, 'utf8').trim().split('\n')) {
    const line = JSON.parse(text) as Line
    const steps = scenes.get(line.scene) ?? []
    steps.push(stepOf(line))
    scenes.set(line.scene, steps)
  }
  return scenes
}

function stepOf({ send, until = null, behind }: Line): RecordedStep {
  if (send !== undefined) return { say: Buffer.concat(send.map(messageOf)), until }
  return behind === undefined ? { cancel: true } : { behind, until: until ?? 'Z' }
}

function messageOf(text: string): Buffer {
  return message(text[0] ?? '', Buffer.from(text.slice(1), 'latin1'))
}
