import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { NewEntry } from '../../../protocol/log/entries.ts'
import { MAX_PART } from '../../../protocol/log/format.ts'
import { LogVerifier, verifyLog } from '../../../protocol/log/verify.ts'
import { CONVERSATION, SESSION, writeLog } from './sample.ts'

const expected = { type: 'session', id: SESSION } as const
const log = writeLog(CONVERSATION)
const last = CONVERSATION.length

function entryAt(offset: number): number {
  return log.starts.findIndex((start) => offset < start)
}

function cut(from: number, to: number): Buffer {
  return log.bytes.subarray(log.starts[from - 1], log.starts[to - 1])
}

function faultOf(bytes: Buffer) {
  return verifyLog(bytes, expected).fault
}

describe('verify', () => {
  it('accepts what was written, in pieces of every size', () => {
    for (const size of [1, 2, 3, 7, 32, 100, log.bytes.length]) {
      const verifier = new LogVerifier(expected)
      for (let at = 0; at < log.bytes.length; at += size) {
        verifier.push(log.bytes.subarray(at, at + size))
      }
      assert.deepEqual(verifier.end(), {
        ok: true,
        entries: last,
        hash: log.hash,
        size: log.bytes.length,
        closed: true,
        fault: null,
      })
    }
  })

  it('AP-27: names the entry of each byte that was flipped', () => {
    for (let at = 0; at < log.bytes.length; at++) {
      for (const bit of [0x01, 0x80]) {
        const copy = Buffer.from(log.bytes)
        copy[at] = (copy[at] as number) ^ bit
        const fault = faultOf(copy)
        assert.equal(fault?.entry, entryAt(at), `byte ${at}: ${fault?.reason}`)
      }
    }
  })

  it('AP-27: names the first entry that was removed', () => {
    for (let entry = 1; entry < last; entry++) {
      const fault = faultOf(Buffer.concat([head(), cut(1, entry), cut(entry + 1, last + 1)]))
      assert.equal(fault?.entry, entry)
      assert.match(fault?.reason ?? '', new RegExp(`calls itself entry ${entry + 1}`))
    }
  })

  it('names the first of two entries that were swapped', () => {
    for (let entry = 1; entry < last; entry++) {
      const swapped = [head(), cut(1, entry), cut(entry + 1, entry + 2), cut(entry, entry + 1)]
      const fault = faultOf(Buffer.concat([...swapped, cut(entry + 2, last + 1)]))
      assert.equal(fault?.entry, entry)
      assert.match(fault?.reason ?? '', new RegExp(`calls itself entry ${entry + 1}`))
    }
  })

  it('names an entry that is there twice', () => {
    for (let entry = 1; entry <= last; entry++) {
      const twice = [head(), cut(1, entry + 1), cut(entry, last + 1)]
      assert.equal(faultOf(Buffer.concat(twice))?.entry, entry + 1)
    }
  })

  it('AP-27: tells an end that was cut off, wherever', () => {
    for (let size = 0; size < log.bytes.length; size++) {
      const fault = faultOf(log.bytes.subarray(0, size))
      assert.equal(fault?.entry, entryAt(size), `cut at ${size}`)
    }
  })

  it('tells what stands after the end', () => {
    const more = writeLog([...CONVERSATION, { kind: 'close', why: 'again' }])
    assert.deepEqual(faultOf(more.bytes), { entry: last + 1, reason: 'it stands after the end' })
    assert.equal(faultOf(Buffer.concat([log.bytes, Buffer.alloc(3)]))?.entry, last + 1)
  })

  it('tells the log of another session', () => {
    const other = writeLog(CONVERSATION, 's-zzzzzzzzzz')
    assert.deepEqual(faultOf(other.bytes), { entry: 0, reason: 'this is the log of s-zzzzzzzzzz' })
  })

  it('AP-27: compares with what is known from elsewhere, also when the whole chain was made anew', () => {
    const forged = writeLog(CONVERSATION.map((entry) => forge(entry)))
    assert.equal(verifyLog(forged.bytes, expected).ok, true)
    const heads = [{ entries: last, hash: log.hash, by: 'the broker' }]
    assert.equal(verifyLog(forged.bytes, { ...expected, heads }).fault?.entry, last)
    assert.equal(verifyLog(log.bytes, { ...expected, heads }).ok, true)
    const short = log.bytes.subarray(0, log.starts[3])
    assert.equal(verifyLog(short, { ...expected, live: true }).ok, true)
    assert.equal(verifyLog(short, { ...expected, live: true, heads }).fault?.entry, 4)
  })

  it('holds a payload of any size, in parts', () => {
    const text = Buffer.alloc(MAX_PART * 2 + 17, 'x')
    const [open, , statement] = CONVERSATION as [NewEntry, NewEntry, NewEntry]
    const close: NewEntry = { kind: 'close', why: 'done' }
    const large = writeLog([open, { ...statement, text } as NewEntry, close])
    assert.deepEqual(verifyLog(large.bytes, expected).entries, 5)
    assert.equal(verifyLog(large.bytes, expected).ok, true)
  })
})

function head(): Buffer {
  return log.bytes.subarray(0, log.starts[0])
}

function forge(entry: NewEntry): NewEntry {
  return entry.kind === 'complete' ? { ...entry, rows: 1 } : entry
}
