import assert from 'node:assert/strict'
import type { GateInput } from '../../protocol/gate.ts'
import type { GateOptions, Output } from '../../protocol/pg/conversation.ts'
import type { Answer } from '../../protocol/pg/execution.ts'
import { PostgresGate } from '../../protocol/pg/gate.ts'

export type Input = GateInput<Answer>

/** What a client would see of an output, unmasked. */
export function bytesForClient(output: Output): Buffer | null {
  if (output.type === 'error') return output.visible ? output.bytes : null
  if (output.type === 'copy-done') return Buffer.from('c\0\0\0\x04', 'latin1')
  if (output.type === 'send' || output.type === 'spool' || output.type === 'copied') return null
  return 'bytes' in output ? output.bytes : null
}

/** All that a gate put out for these inputs; runs of bytes are one, however they were cut. */
export function transcript(inputs: readonly Input[], options: GateOptions) {
  const gate = new PostgresGate(options)
  const toTarget: Buffer[] = []
  const toClient: Buffer[] = []
  const others: string[] = []
  for (const input of inputs) {
    for (const output of gate.handle(input)) {
      const bytes = bytesForClient(output)
      if (output.type === 'send') toTarget.push(output.bytes)
      if (bytes !== null) toClient.push(bytes)
      if (!RUNS.has(output.type)) others.push(`${nameOf(output)} ${detail(output)}`)
    }
  }
  const [target, client] = [Buffer.concat(toTarget), Buffer.concat(toClient)]
  return { target: target.toString('latin1'), client: client.toString('latin1'), others }
}

const RUNS: ReadonlySet<string> = new Set(['send', 'reply', 'rows', 'copy-rows', 'copied'])

/** What comes in one piece is an answer, what does not is rows and their completion. */
const nameOf = ({ type }: Output): string => (type === 'answer' ? 'complete' : type)

function detail(output: Output): string {
  if (output.type === 'ask') return `${output.id} ${output.question.kind}`
  if (output.type === 'spool') return output.bytes.toString('latin1')
  return 'why' in output ? output.why : ''
}

/** TCP may cut anywhere: at every position, and after every byte, the outcome is the same. */
export function assertSameInPieces(inputs: readonly Input[], options: GateOptions): void {
  const whole = transcript(inputs, options)
  for (const cut of cuts(inputs)) assert.deepEqual(transcript(cut, options), whole)
  assert.deepEqual(transcript(inputs.flatMap(byteByByte), options), whole)
}

function* cuts(inputs: readonly Input[]): Generator<Input[]> {
  for (const [at, input] of inputs.entries()) {
    if (input.type !== 'client' && input.type !== 'target') continue
    for (let size = 1; size < input.bytes.length; size++) {
      const first = { ...input, bytes: input.bytes.subarray(0, size) }
      const second = { ...input, bytes: input.bytes.subarray(size) }
      yield [...inputs.slice(0, at), first, second, ...inputs.slice(at + 1)]
    }
  }
}

function byteByByte(input: Input): Input[] {
  if (input.type !== 'client' && input.type !== 'target') return [input]
  return [...input.bytes].map((byte) => ({ ...input, bytes: Buffer.from([byte]) }))
}

/**
 * For long conversations: each input cut at its n-th byte, all at once, for every n; and after every
 * byte. Far inside of a long text, which no reader looks at, not every n.
 */
export function assertSameCutTogether(inputs: readonly Input[], options: GateOptions): void {
  const whole = transcript(inputs, options)
  const longest = Math.max(...inputs.map(sizeOf))
  for (let size = 1; size < longest; size += size < 256 ? 1 : 32) {
    const cut = inputs.flatMap((input) => cutAt(input, size))
    assert.deepEqual(transcript(cut, options), whole, `cut at ${size}`)
  }
  assert.deepEqual(transcript(inputs.flatMap(byteByByte), options), whole)
}

function sizeOf(input: Input): number {
  return input.type === 'client' || input.type === 'target' ? input.bytes.length : 0
}

function cutAt(input: Input, size: number): Input[] {
  if (input.type !== 'client' && input.type !== 'target') return [input]
  if (input.bytes.length <= size) return [input]
  const [first, second] = [input.bytes.subarray(0, size), input.bytes.subarray(size)]
  return [first, second].map((bytes) => ({ ...input, bytes }))
}
