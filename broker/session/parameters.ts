import type { Execution } from '../../protocol/pg/execution.ts'

/** OIDs of pg_type whose binary form is simple enough to be shown as text. */
const BINARY: ReadonlyMap<number, (bytes: Buffer) => string | null> = new Map([
  [16, (b: Buffer) => (b.length === 1 ? (b[0] === 0 ? 'f' : 't') : null)],
  [20, (b: Buffer) => (b.length === 8 ? b.readBigInt64BE().toString() : null)],
  [21, (b: Buffer) => (b.length === 2 ? b.readInt16BE().toString() : null)],
  [23, (b: Buffer) => (b.length === 4 ? b.readInt32BE().toString() : null)],
  [25, (b: Buffer) => b.toString('utf8')],
  [26, (b: Buffer) => (b.length === 4 ? b.readUInt32BE().toString() : null)],
  [700, (b: Buffer) => (b.length === 4 ? b.readFloatBE().toString() : null)],
  [701, (b: Buffer) => (b.length === 8 ? b.readDoubleBE().toString() : null)],
  [1042, (b: Buffer) => b.toString('utf8')],
  [1043, (b: Buffer) => b.toString('utf8')],
])

/** The parameters as an approver reads them; what is not known to be text is shown in hex. */
export function shownParameters(execution: Execution): (string | null)[] {
  const { parameters, types } = execution
  if (parameters === null) return []
  return parameters.values.map((value, index) => {
    if (value === null) return null
    const format =
      parameters.formats.length === 1 ? parameters.formats[0] : parameters.formats[index]
    if ((format ?? 0) === 0) return value.toString('utf8')
    return BINARY.get(types[index] ?? 0)?.(value) ?? `\\x${value.toString('hex')}`
  })
}
