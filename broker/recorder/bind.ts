import { Cursor } from '../../protocol/bytes/cursor.ts'
import { hex } from './values.ts'

export interface BindValues {
  readonly parameters: readonly (string | null)[]
  /** 0 = text, 1 = binary; none = all text, one = for all. */
  readonly resultFormats: readonly number[]
}

/** The Bind message after its two names (55.7): formats, values, result formats. */
export function decodeBind(bytes: Buffer): BindValues {
  const cursor = new Cursor(bytes)
  const formats = codes(cursor)
  const count = cursor.uint16()
  const parameters: (string | null)[] = []
  for (let i = 0; i < count; i++) {
    const length = cursor.int32()
    const binary = formatOf(formats, i) !== 0
    if (length === -1) parameters.push(null)
    else parameters.push(binary ? hex(cursor.slice(length)) : cursor.slice(length).toString('utf8'))
  }
  return { parameters, resultFormats: codes(cursor) }
}

export function formatOf(formats: readonly number[], at: number): number {
  return (formats.length === 1 ? formats[0] : formats[at]) ?? 0
}

function codes(cursor: Cursor): number[] {
  const count = cursor.uint16()
  const list: number[] = []
  for (let i = 0; i < count; i++) list.push(cursor.int16())
  return list
}
