import type { CopyOptions } from '../../../protocol/pg/statement.ts'
import { int16, int32, type Row } from './support.ts'

/**
 * COPY's three formats, written as copyto.c writes them and read as copyfromparse.c reads them, with
 * strings in place of the scanners under test.
 */

const LETTERS: Readonly<Record<string, string>> = {
  ...{ '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't', '\v': 'v' },
}

export function writeText(rows: readonly Row[], options: CopyOptions): Buffer {
  const cell = (value: Buffer | null): string => {
    if (value === null) return options.null
    return [...value.toString('latin1')].map(escaped).join('')
  }
  const escaped = (c: string): string => {
    if (c in LETTERS) return `\\${LETTERS[c]}`
    return c === '\\' || c === options.delimiter ? `\\${c}` : c
  }
  const lines = rows.map((row) => `${row.map(cell).join(options.delimiter)}\n`)
  return Buffer.from(lines.join(''), 'latin1')
}

export function readText(bytes: Buffer, options: CopyOptions): Row[] {
  const rows: (Buffer | null)[][] = []
  let row: (Buffer | null)[] = []
  let raw = ''
  let value = ''
  const close = (): void => {
    row.push(raw === options.null ? null : Buffer.from(value, 'latin1'))
    raw = value = ''
  }
  const text = bytes.toString('latin1')
  for (let at = 0; at < text.length; at++) {
    const c = text[at]!
    if (c === options.delimiter) close()
    else if (c === '\n') {
      close()
      rows.push(row)
      row = []
    } else if (c === '\\') {
      const next = text[++at]!
      const control = Object.keys(LETTERS).find((key) => LETTERS[key] === next)
      raw += c + next
      value += control ?? next
    } else {
      raw += c
      value += c
    }
  }
  if (raw !== '' || row.length > 0) throw new Error('the text ends within a row')
  return rows
}

export function writeCsv(rows: readonly Row[], options: CopyOptions): Buffer {
  const { delimiter, quote, escape: escaper } = options
  const cell = (value: Buffer | null): string => {
    if (value === null) return options.null
    const text = value.toString('latin1')
    const isPlain =
      text !== options.null && ![delimiter, quote, '\n', '\r'].some((c) => text.includes(c))
    if (isPlain) return text
    const inner = [...text].map((c) => (c === quote || c === escaper ? escaper + c : c))
    return quote + inner.join('') + quote
  }
  const lines = rows.map((row) => `${row.map(cell).join(delimiter)}\n`)
  return Buffer.from(lines.join(''), 'latin1')
}

export function readCsv(bytes: Buffer, options: CopyOptions): Row[] {
  const { delimiter, quote, escape: escaper } = options
  const text = bytes.toString('latin1')
  const rows: (Buffer | null)[][] = []
  let row: (Buffer | null)[] = []
  let at = 0
  while (at < text.length) {
    let value = ''
    const isQuoted = text[at] === quote
    if (isQuoted) {
      for (at++; ; at++) {
        const c = text[at]
        if (c === undefined) throw new Error('the text ends in quotes')
        const next = text[at + 1]
        if (c === escaper && (next === quote || next === escaper)) value += text[++at]!
        else if (c === quote) break
        else value += c
      }
      at++
    } else {
      while (text[at] !== delimiter && text[at] !== '\n') {
        if (text[at] === undefined || text[at] === quote)
          throw new Error('a stray quote, or no end')
        value += text[at++]!
      }
    }
    row.push(!isQuoted && value === options.null ? null : Buffer.from(value, 'latin1'))
    if (text[at] === '\n') {
      rows.push(row)
      row = []
    } else if (text[at] !== delimiter) throw new Error('bytes after a closing quote')
    at++
  }
  return rows
}

export function writeBinary(rows: readonly Row[]): Buffer {
  const head = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), int32(0), int32(0)])
  const body = rows.flatMap((row) => [
    int16(row.length),
    ...row.flatMap((value) => (value === null ? [int32(-1)] : [int32(value.length), value])),
  ])
  return Buffer.concat([head, ...body, int16(-1)])
}

export function readBinary(bytes: Buffer): Row[] {
  const rows: (Buffer | null)[][] = []
  let at = 19
  for (;;) {
    const count = bytes.readInt16BE(at)
    at += 2
    if (count === -1) break
    const row: (Buffer | null)[] = []
    for (let left = count; left > 0; left--) {
      const length = bytes.readInt32BE(at)
      at += 4
      row.push(length === -1 ? null : Buffer.from(bytes.subarray(at, at + length)))
      at += Math.max(length, 0)
    }
    rows.push(row)
  }
  if (at !== bytes.length) throw new Error('bytes after the trailer')
  return rows
}
