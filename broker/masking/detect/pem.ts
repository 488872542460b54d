import { BACKSLASH, BASE64, CLASS, DASH, LETTER, runEnd, startsWith } from './bytes.ts'
import { type Hits, PRIVATE_KEY } from './kinds.ts'
import { type Bounds, isWithin, type Reach } from './reach.ts'

const PEM_MARK = 'PRIVATE KEY'
const PEM_BEGIN = '-----BEGIN '
const LONGEST_LABEL = 32
/** A header without a key behind it is a sentence about keys. */
const SHORTEST_BODY = 40

const PEM_BODY = new Uint8Array(256)
for (const character of '+/= \r\n\t,:.-') PEM_BODY[character.charCodeAt(0)] = 1
for (let byte = 0; byte < 256; byte++) if ((CLASS[byte]! & BASE64) !== 0) PEM_BODY[byte] = 1

/** The PEM block whose label has the `V` of `PRIVATE KEY` at `at`; all up to its end, or to what cannot be in it. */
export function findPem(
  bytes: Buffer,
  at: number,
  { start, end, seen }: Bounds,
  hits: Hits | null,
): boolean {
  const mark = at - 3
  const from =
    mark < start || !startsWith(bytes, mark, end, PEM_MARK) ? -1 : pemStart(bytes, mark, start)
  if (from === -1) return false
  let body = mark + PEM_MARK.length
  if (startsWith(bytes, body, end, ' BLOCK')) body += ' BLOCK'.length
  if (!startsWith(bytes, body, end, '-----')) return false
  body += 5
  if (!isWithin(seen.pem, body)) readPem(bytes, body, end, seen.pem)
  const { over } = seen.pem
  if (over - body < SHORTEST_BODY) return false
  if (hits === null) return true
  hits.add(PRIVATE_KEY, from, over)
  return true
}

function pemStart(bytes: Buffer, at: number, start: number): number {
  for (let from = at - PEM_BEGIN.length; from >= Math.max(start, at - LONGEST_LABEL); from--) {
    if (startsWith(bytes, from, at, PEM_BEGIN)) return from
  }
  return -1
}

/** Behind a backslash stands what it makes a newline or slash of; an escaped quote ends the block. */
function readPem(bytes: Buffer, body: number, end: number, reach: Reach): void {
  reach.from = body
  let at = body
  for (;;) {
    while (at < end && PEM_BODY[bytes[at]!] === 1) {
      if (bytes[at] === DASH && startsWith(bytes, at, end, '-----END ')) {
        reach.to = at
        reach.over = pemTail(bytes, at, end)
        return
      }
      at++
    }
    let letter = at
    while (letter < end && bytes[letter] === BACKSLASH) letter++
    if (letter === at || letter >= end || !ESCAPED.has(bytes[letter]!)) {
      reach.to = reach.over = at
      return
    }
    at = letter + 1
  }
}

const ESCAPED: ReadonlySet<number> = new Set([0x6e, 0x72, 0x74, 0x2f, 0x0a])

function pemTail(bytes: Buffer, at: number, end: number): number {
  const label = at + '-----END '.length
  const dashes = runEnd(bytes, label, end, LETTER)
  let over = dashes
  while (over < end && (bytes[over] === 0x20 || (CLASS[bytes[over]!]! & LETTER) !== 0)) over++
  return startsWith(bytes, over, end, '-----') ? over + 5 : over
}
