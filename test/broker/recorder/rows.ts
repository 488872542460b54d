/** Messages of a server, made by other hands than those that read them. */

export interface Column {
  readonly name: string
  readonly type: number
  readonly format?: number
}

function message(type: string, body: Buffer): Buffer {
  const header = Buffer.alloc(5)
  header.write(type, 'latin1')
  header.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([header, body])
}

function int16(value: number): Buffer {
  const b = Buffer.alloc(2)
  b.writeInt16BE(value)
  return b
}

function int32(value: number): Buffer {
  const b = Buffer.alloc(4)
  b.writeInt32BE(value)
  return b
}

export function rowDescription(columns: readonly Column[]): Buffer {
  const fields = columns.flatMap(({ name, type, format = 0 }) => [
    Buffer.from(`${name}\0`),
    Buffer.concat([int32(0), int16(0), int32(type), int16(-1), int32(-1), int16(format)]),
  ])
  return message('T', Buffer.concat([int16(columns.length), ...fields]))
}

export function dataRow(values: readonly (string | Buffer | null)[]): Buffer {
  const cells = values.map((value) => {
    if (value === null) return int32(-1)
    const bytes = Buffer.from(value as string)
    return Buffer.concat([int32(bytes.length), bytes])
  })
  return message('D', Buffer.concat([int16(values.length), ...cells]))
}

export function copyData(text: string): Buffer {
  return message('d', Buffer.from(text))
}

export function errorResponse(sqlstate: string, text: string, letter: 'E' | 'N' = 'E'): Buffer {
  return message(letter, Buffer.from(`SERROR\0VERROR\0C${sqlstate}\0M${text}\0\0`))
}

/** Bind after its names: text parameters, result formats. */
export function bindTail(values: readonly (string | null)[], formats: readonly number[]): Buffer {
  const cells = values.map((value) => {
    if (value === null) return int32(-1)
    return Buffer.concat([int32(Buffer.byteLength(value)), Buffer.from(value)])
  })
  const codes = [int16(formats.length), ...formats.map(int16)]
  return Buffer.concat([int16(0), int16(values.length), ...cells, ...codes])
}
