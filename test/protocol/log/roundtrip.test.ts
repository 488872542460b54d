import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  ENTRIES,
  type EntryKind,
  type FieldType,
  type NewEntry,
} from '../../../protocol/log/entries.ts'
import { MAX_HEAD } from '../../../protocol/log/format.ts'
import { decodeEntry, LogReader } from '../../../protocol/log/reader.ts'
import { ChainWriter, encodeHeader, genesis } from '../../../protocol/log/writer.ts'
import { writeLog } from './sample.ts'

const text = fc.string({ unit: 'binary' }).map((value) => value.toWellFormed())
const uint = fc.maxSafeNat()
const bytes = fc.uint8Array({ maxLength: 300 }).map((value) => Buffer.from(value))
const VALUES: Readonly<Record<FieldType, fc.Arbitrary<unknown>>> = {
  text,
  'text?': fc.option(text),
  uint,
  'uint?': fc.option(uint),
  micros: fc.nat().map((micros) => micros / 1000),
  texts: fc.array(text, { maxLength: 5 }),
  flags: fc.array(fc.boolean(), { maxLength: 9 }),
  'uints?': fc.option(fc.array(fc.nat(), { maxLength: 5 })),
}

function arbitraryOf(kind: EntryKind): fc.Arbitrary<NewEntry> {
  const { head, payload } = ENTRIES[kind]
  const fields = Object.fromEntries(head.map(([name, type]) => [name, VALUES[type]]))
  const raw = payload === null ? {} : { [payload]: bytes }
  const shape = { kind: fc.constant(kind), ...fields, ...raw }
  return fc.record(shape, { noNullPrototype: true }) as unknown as fc.Arbitrary<NewEntry>
}

const kinds = (Object.keys(ENTRIES) as EntryKind[]).filter((kind) => kind !== 'part')
const anyEntry = fc.oneof(...kinds.map(arbitraryOf))

function readAll(log: Buffer, cuts: readonly number[]) {
  const reader = new LogReader()
  const entries: unknown[] = []
  const places = [...cuts.map((cut) => cut % (log.length + 1)), log.length].sort((a, b) => a - b)
  let from = 0
  for (const to of places) {
    reader.push(log.subarray(from, to))
    from = to
    for (let item = reader.next(); item !== null; item = reader.next()) {
      if (item.type === 'entry') entries.push(decodeEntry(item.frame))
    }
  }
  return { entries, fault: reader.end() }
}

describe('a log', () => {
  it('gives back what was written, in pieces of any size', () => {
    const property = (list: NewEntry[], cuts: number[]) => {
      assert.deepEqual(readAll(writeLog(list).bytes, cuts), { entries: list, fault: null })
    }
    const lists = fc.array(anyEntry, { maxLength: 8 })
    fc.assert(fc.property(lists, fc.array(fc.nat(), { maxLength: 6 }), property))
  })

  it('tells null from empty', () => {
    const execute = {
      kind: 'execute',
      ref: 1,
      decision: 'allow',
      rule: '',
      request: null,
      reason: '',
      formats: null,
      policy: null,
    } as const
    const list = [null, Buffer.alloc(0)].map((parameters) => ({ ...execute, parameters }))
    assert.deepEqual(readAll(writeLog(list).bytes, []).entries, list)
  })

  it('never breaks on bytes that are no log', () => {
    const header = encodeHeader({ type: 'session', id: 's-0123456789', created: 1 })
    const property = (rest: Uint8Array, withHeader: boolean) => {
      const bytes = withHeader ? Buffer.concat([header, rest]) : Buffer.from(rest)
      const { entries, fault } = readAll(bytes, [])
      assert.deepEqual(entries, [])
      if (bytes.length !== header.length || !withHeader) assert.ok(fault !== null)
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), property))
  })

  it('refuses a head that is too large, and stands where it stood', () => {
    const writer = new ChainWriter(genesis(encodeHeader({ type: 'session', id: 's', created: 1 })))
    const before = { seq: writer.seq, hash: writer.hash }
    const entry: NewEntry = { kind: 'other', name: 'x', detail: 'x'.repeat(MAX_HEAD) }
    let wrote = 0
    assert.throws(() => writer.append([entry], 0, () => wrote++), { name: 'LogFormatError' })
    assert.deepEqual({ seq: writer.seq, hash: writer.hash, wrote }, { ...before, wrote: 0 })
  })
})
