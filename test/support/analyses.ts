import type {
  Analysis,
  Command,
  StatementClass,
  StatementFacts,
  TransactionModes,
} from '../../protocol/pg/statement.ts'

/** What an analyst would say of a text; as small as the gate can use it. */
export type Facts = Partial<StatementFacts>

export const QUERY: Command = { type: 'query' }

export function facts(of: StatementClass, command: Command = QUERY, more: Facts = {}): Facts {
  return { class: of, command, ...more }
}

export const reads = (): Facts => facts('read')
export const writes = (verb = 'UPDATE'): Facts => facts('write', QUERY, { verb })
export const utility = (of: StatementClass = 'ddl'): Facts =>
  facts(of, { type: 'utility', returnsRows: false })
export const sets = (name: string): Facts => facts('session', { type: 'set', name, local: false })
export const shows = (name: string): Facts => facts('read', { type: 'show', name })

const NO_MODES: TransactionModes = { access: null, others: '' }

export const begins = (modes: Partial<TransactionModes> = {}): Facts =>
  facts('transaction', { type: 'begin', modes: { ...NO_MODES, ...modes } })
export const commits = (): Facts => facts('transaction', { type: 'commit', chain: false })
export const rollsBack = (): Facts => facts('transaction', { type: 'rollback', chain: false })
export const saves = (name: string): Facts => facts('transaction', { type: 'savepoint', name })
export const releases = (name: string): Facts => facts('transaction', { type: 'release', name })
export const rollsBackTo = (name: string): Facts =>
  facts('transaction', { type: 'rollback-to', name })
export const setsTransaction = (modes: Partial<TransactionModes>): Facts =>
  facts('transaction', { type: 'set-transaction', modes: { ...NO_MODES, ...modes } })
/** SELECT pg_export_snapshot(), and perhaps of others. */
export const exports = (...others: string[]): Facts =>
  facts('admin', QUERY, {
    verb: 'SELECT',
    functions: ['pg_export_snapshot', ...others].map((name) => ({
      name: `pg_catalog.${name}`,
      volatility: 'volatile',
      harmless: false,
    })),
  })

const FORMAT = {
  format: 'text',
  delimiter: '\t',
  null: '\\N',
  quote: '"',
  escape: '"',
  header: false,
} as const

export const copiesIn = (columns = 1): Facts =>
  facts('write', { type: 'copy-in', columns, options: FORMAT }, { verb: 'COPY' })
export const copiesOut = (select: string): Facts =>
  facts('read', { type: 'copy-out', options: FORMAT, query: select })

/** `name` is looked for in the text where its span is needed. */
export const prepares = (name: string, inner: Facts): Facts =>
  facts('session', {
    type: 'prepare',
    name,
    nameSpan: { offset: 0, length: 0 },
    inner: whole(inner, 0, 0),
  })
export const executes = (name: string, text: string): Facts =>
  facts('read', { type: 'execute', name, nameSpan: spanOf(name, text), explain: 'no' })
export const declares = (name: string, inner: Facts): Facts =>
  facts('read', {
    type: 'declare',
    name,
    nameSpan: { offset: 0, length: 0 },
    inner: whole(inner, 0, 0),
  })
export const fetches = (name: string, text: string): Facts =>
  facts('read', { type: 'fetch', name, nameSpan: spanOf(name, text), move: false })
export const closes = (name: string, text: string): Facts =>
  facts('session', { type: 'close', name, nameSpan: spanOf(name, text) })
export const deallocates = (name: string, text: string): Facts =>
  facts('session', { type: 'deallocate', name, nameSpan: spanOf(name, text) })

function spanOf(name: string, text: string) {
  return { offset: Buffer.from(text).lastIndexOf(name), length: Buffer.byteLength(name) }
}

export function refused(sqlstate: string): Facts {
  return facts('session', QUERY, { refusal: { sqlstate, message: 'never', hint: 'never' } })
}

function whole(some: Facts, offset: number, length: number): StatementFacts {
  return {
    class: 'read',
    node: 'SelectStmt',
    verb: 'SELECT',
    span: { offset, length },
    command: QUERY,
    reads: [],
    writes: [],
    tables: [],
    rowsRead: [],
    rowsWritten: [],
    columnsRead: [],
    columnsWritten: [],
    opaque: false,
    understood: true,
    callsWithin: [],
    fills: null,
    functions: [],
    unbounded: false,
    ddl: null,
    output: null,
    predicates: [],
    why: '',
    refusal: null,
    ...some,
  }
}

/** One set of facts for each statement of the text, cut at its semicolons. */
export function analysisOf(text: Buffer, all: readonly Facts[]): Analysis {
  const statements: StatementFacts[] = []
  let offset = 0
  for (const some of all) {
    const end = text.indexOf(';', offset)
    const stop = end === -1 || statements.length === all.length - 1 ? text.length : end
    const start = text.subarray(offset).findIndex((byte) => byte !== 0x20) + offset
    statements.push(whole(some, start, stop - start))
    offset = stop + 1
  }
  return { ok: true, statements }
}

export function noAnalysis(text: Buffer): Analysis {
  return { ok: false, reason: 'syntax', message: 'syntax error', length: text.length }
}
