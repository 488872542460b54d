import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { KINDS } from '../../../../broker/masking/detect/kinds.ts'
import { reference } from './reference.ts'
import { DEFAULT_KINDS, detectorOf } from './support.ts'

const detector = detectorOf('redact', DEFAULT_KINDS)

const NUMBERS = [
  ...['4222222222222', '4111111111111111', '36227206271667', '6011000000000000001'],
  ...['4111-1111-1111-1111', '5555 5555 5555 4444', '3782 822463 10005', '3622 720627 1667'],
  ...['078-05-1120', 'NO9386011117947', 'NL91ABNA0417164300', 'GB82 WEST 1234 5698 7654 32'],
]

/** As the reference says it, which it must say too; and a look at the whole does not deny it. */
function foundIn(text: string): string[] {
  const bytes = Buffer.from(text, 'latin1')
  const { kinds, starts, ends } = detector.find(bytes, 0, bytes.length)
  const found = kinds.map((kind, at) => {
    return `${KINDS[kind]}@${starts[at]}: ${text.slice(starts[at], ends[at])}`
  })
  assert.deepEqual(found.sort(), reference(text), JSON.stringify(text))
  assert.ok(found.length === 0 || mayHold(bytes), JSON.stringify(text))
  return found
}

function mayHold(bytes: Buffer): boolean {
  return detector.mayHold(bytes, 0, bytes.length)
}

describe('a number is found wherever it stands', () => {
  for (const number of NUMBERS) {
    test(number, () => {
      for (const around of ['.', ', ', 'id 12; ', '2026-11-22/']) {
        for (let places = 0; places <= 20; places++) {
          const beside = around.repeat(places).slice(0, places)
          assert.equal(foundIn(`${beside},${number}`).length, 1)
          assert.equal(foundIn(`${beside},${number},${beside}`).length, 1)
          foundIn(`${beside}${number}${beside}`)
        }
      }
    })
  }
})

test('one stands behind another that is none', () => {
  const others = ['4111111111111112', '4111-1111-1111-1112', '000-05-1120', '1234-5678-9012']
  for (const other of [...others, '4111 1111', '078-05-112', '12345678', '  ', '- -', '1 2 3']) {
    for (const gap of ['', ',', ' ', '-', '  ', '--', ' - ']) {
      for (const number of NUMBERS) foundIn(`${other}${gap}${number}`)
    }
  }
})

/** A length and a value of so many bytes, then the letter and length of the next message. */
function framed(value: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(value.length)
  return Buffer.concat([Buffer.from('D\0\0\0\x63\0\x01', 'latin1'), length, value, END])
}
const END = Buffer.from('D\0\0\0\x0b\0\x01\0\0\0\x01x', 'latin1')

test('a length that looks like digits hides nothing', () => {
  const digits = [0x30, 0x31, 0x34, 0x39]
  const lengths = [
    ...digits,
    ...digits.flatMap((one) => digits.map((other) => (one << 8) | other)),
    ...[0x2034, 0x2d34, 0x3420, 0x342d, 0x4134, 0x3441, 0x303030, 0x343131, 0x342d31],
  ]
  for (const length of lengths) {
    const value = Buffer.alloc(length, ',')
    for (const number of NUMBERS) {
      value.fill(',', 0, 40)
      value.write(number)
      assert.ok(mayHold(framed(value)), `${number} in ${length} bytes`)
    }
  }
})

test('the next message hides nothing', () => {
  for (const number of NUMBERS) {
    for (const behind of ['', ' ', '-', '--', '- -', ' '.repeat(40)]) {
      const value = `${number}${behind}`
      assert.equal(foundIn(value).length, 1)
      assert.ok(mayHold(framed(Buffer.from(value))), value)
    }
  }
})

test('a long run of digits, blanks and dashes hides nothing behind it', () => {
  for (const piece of ['4111 ', '123-45 ', '1', ' ', '-', '4111-1111-', '4'.repeat(23)]) {
    for (const number of NUMBERS) {
      const bytes = Buffer.from(`${piece.repeat(4_000)},${number}`)
      const { ends } = detector.find(bytes, 0, bytes.length)
      assert.equal(Math.max(...ends), bytes.length, piece)
      assert.ok(mayHold(bytes), piece)
    }
  }
})
