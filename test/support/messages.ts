import { serialize } from 'pg-protocol/dist/serializer.js'

/**
 * Messages of both sides, built by other means than the code under test: the client's by
 * pg-protocol, the server's by hand from the documentation (55.7).
 */

export const query = (text: string): Buffer => serialize.query(text)
export const parse = (text: string, name = ''): Buffer => serialize.parse({ name, text })
export const describe = (name = ''): Buffer => serialize.describe({ type: 'S', name })
export const describePortal = (name = ''): Buffer => serialize.describe({ type: 'P', name })
export const execute = (portal = '', rows = 0): Buffer => serialize.execute({ portal, rows })
export const close = (name = ''): Buffer => serialize.close({ type: 'S', name })
export const closePortal = (name = ''): Buffer => serialize.close({ type: 'P', name })
export const sync = (): Buffer => serialize.sync()
export const flush = (): Buffer => serialize.flush()
export const terminate = (): Buffer => serialize.end()
export const copyDataIn = (data: string): Buffer => serialize.copyData(Buffer.from(data))
export const copyDone = (): Buffer => serialize.copyDone()
export const copyFail = (why: string): Buffer => serialize.copyFail(why)

interface Bound {
  readonly statement?: string
  readonly portal?: string
  readonly values?: readonly (string | null)[]
}

export function bind({ statement = '', portal = '', values = [] }: Bound = {}): Buffer {
  return serialize.bind({ statement, portal, values: [...values] })
}

type Part = string | number | Buffer

/** A message from parts: text is zero-terminated, numbers are int32, buffers are as they are. */
export function message(type: string, ...parts: readonly Part[]): Buffer {
  const body = Buffer.concat(parts.map(bytesOf))
  return Buffer.concat([Buffer.from(type, 'latin1'), int32(body.length + 4), body])
}

function bytesOf(part: Part): Buffer {
  if (typeof part === 'string') return Buffer.concat([Buffer.from(part), Buffer.alloc(1)])
  return typeof part === 'number' ? int32(part) : part
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

export function int16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2)
  values.forEach((value, i) => {
    bytes.writeInt16BE(value, i * 2)
  })
  return bytes
}

export const parseComplete = message('1')
export const bindComplete = message('2')
export const closeComplete = message('3')
export const noData = message('n')
export const emptyQuery = message('I')
export const suspended = message('s')
export const copyDoneOut = message('c')
export const ready = (status: 'I' | 'T' | 'E' = 'I'): Buffer => message('Z', Buffer.from(status))
export const complete = (tag: string): Buffer => message('C', tag)
export const parameterStatus = (name: string, value: string): Buffer => message('S', name, value)
export const copyDataOut = (data: string): Buffer => message('d', Buffer.from(data))
export const parameters = (...types: readonly number[]): Buffer =>
  message('t', int16(types.length), ...types)

/** Text columns of no table. */
export function columns(...names: readonly string[]): Buffer {
  const fields = names.flatMap((name) => [name, 0, int16(0), 25, int16(-1), -1, int16(0)])
  return message('T', int16(names.length), ...fields)
}

export function row(...values: readonly (string | null)[]): Buffer {
  const cells = values.flatMap((value) =>
    value === null ? [-1] : [Buffer.byteLength(value), Buffer.from(value)],
  )
  return message('D', int16(values.length), ...cells)
}

export function copyInResponse(count: number, format = 0): Buffer {
  return message('G', Buffer.from([format]), int16(count, ...Array(count).fill(format)))
}

export function copyOutResponse(count: number): Buffer {
  return message('H', Buffer.from([0]), int16(count, ...Array(count).fill(0)))
}

/** ErrorResponse; `N` makes it a NoticeResponse. */
export function error(code: string, text = 'no', type = 'E', severity = 'ERROR'): Buffer {
  const fields = { S: severity, V: severity, C: code, M: text }
  const parts = Object.entries(fields).flatMap(([letter, value]) => [Buffer.from(letter), value])
  return message(type, ...parts, Buffer.alloc(1))
}

/** Whole messages as text that a failed test can show: the type, then the body. */
export function read(bytes: Buffer): string[] {
  const shown: string[] = []
  let rest = bytes
  while (rest.length > 0) {
    const size = rest.length < 5 ? rest.length : rest.readInt32BE(1) + 1
    shown.push(`${rest.toString('latin1', 0, 1)} ${visible(rest.subarray(5, size))}`)
    rest = rest.subarray(size)
  }
  return shown
}

const visible = (body: Buffer): string => body.toString('latin1').replaceAll('\0', '·')

/** `E 42501`, `Z I`, …: enough of a message to tell what it is. */
export function summary(bytes: Buffer): string[] {
  return read(bytes).map((text) => {
    const code = /·C([0-9A-Z]{5})·/.exec(text)?.[1]
    const isReport = text[0] === 'E' || text[0] === 'N'
    return isReport && code !== undefined ? `${text[0]} ${code}` : text.replace(/·$/, '').trimEnd()
  })
}
