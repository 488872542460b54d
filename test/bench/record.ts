import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NewEntry } from '../../protocol/log/entries.ts'
import { ChainWriter, encodeHeader, genesis, type Sink } from '../../protocol/log/writer.ts'

/** What one append costs: encoding and hashing alone, and with the write. */

const execute: NewEntry = {
  kind: 'execute',
  ref: 1,
  parameters: Buffer.from('00000001000000053132333435000100', 'hex'),
  decision: 'allow',
  rule: 'pg-prod.rules.read',
  request: null,
  reason: null,
}
const result: NewEntry[] = [
  { kind: 'shape', ref: 1, bytes: Buffer.alloc(60, 84), masked: [false] },
  { kind: 'rows', ref: 1, bytes: Buffer.alloc(30, 68), count: 1 },
  { kind: 'complete', ref: 1, tag: 'SELECT 1', rows: 1, ms: 0.123 },
]
const slice: NewEntry = { kind: 'rows', ref: 1, bytes: Buffer.alloc(65_536, 1), count: 100 }

const CASES: readonly (readonly [name: string, entries: readonly NewEntry[], times: number])[] = [
  ['one small entry', [execute], 200_000],
  ['three small entries', result, 200_000],
  ['64 kB of rows', [slice], 4000],
]

function microseconds(entries: readonly NewEntry[], times: number, sink: Sink): number {
  const header = encodeHeader({ type: 'session', id: 's-0123456789', created: 0 })
  const writer = new ChainWriter(genesis(header))
  const round = (count: number): void => {
    for (let i = 0; i < count; i++) writer.append(entries, i, sink)
  }
  round(times / 4)
  const began = performance.now()
  round(times)
  return ((performance.now() - began) * 1000) / times
}

const folder = mkdtempSync(join(tmpdir(), 'hoop-bench-'))
const fd = openSync(join(folder, 'log'), 'a')
const file: Sink = (bytes, offset, length) => writeSync(fd, bytes, offset, length)
const nowhere: Sink = () => undefined
for (const [name, entries, times] of CASES) {
  const alone = microseconds(entries, times, nowhere).toFixed(2)
  const written = microseconds(entries, times, file).toFixed(2)
  process.stdout.write(`${name}: ${alone} µs, with the write ${written} µs\n`)
}
closeSync(fd)
rmSync(folder, { recursive: true })
