import type { SessionEntry } from '../../protocol/api/sessions.ts'

const COLUMNS = [
  'entry',
  'at',
  'ms',
  'kind',
  'ref',
  'text',
  'parameters',
  'decision',
  'rule',
  'request',
  'by',
  'reason',
  'rows',
  'took_ms',
  'sqlstate',
] as const

type Cell = string | number | null | undefined
type Cells = Partial<Record<(typeof COLUMNS)[number], Cell>>

/** RFC 4180, the first line. */
export const CSV_TITLES = COLUMNS.join(',')

/** One entry; what has no column of its own stands in `text`. */
export function csvLine(entry: SessionEntry): string {
  const { entry: number, at, ms, kind } = entry
  const cells: Cells = { entry: number, at, ms, kind, ...cellsOf(entry) }
  return COLUMNS.map((name) => quoted(cells[name])).join(',')
}

function cellsOf(entry: SessionEntry): Cells {
  switch (entry.kind) {
    case 'open': {
      const { user, connection, database, remote, reason } = entry
      return { text: `${connection}/${database} from ${remote}`, by: user, reason }
    }
    case 'statement':
      return { ref: entry.ref, text: entry.text, decision: entry.class, reason: entry.why }
    case 'execute': {
      const { ref, parameters, decision, rule, request, reason } = entry
      const values = parameters.length === 0 ? null : JSON.stringify(parameters)
      return { ref, parameters: values, decision, rule, request, reason }
    }
    case 'request':
      return { request: entry.request, decision: entry.state, by: entry.by, reason: entry.comment }
    case 'shape':
      return { ref: entry.ref, text: entry.fields.map(({ name }) => name).join(', ') }
    case 'rows':
      return { ref: entry.ref, rows: entry.count }
    case 'complete':
      return { ref: entry.ref, text: entry.command, rows: entry.rows, took_ms: entry.took_ms }
    case 'error':
    case 'notice':
      return { text: entry.message, sqlstate: entry.sqlstate }
    case 'parameter':
      return { text: `${entry.name} = ${entry.value}` }
    case 'copy-in':
      return { ref: entry.ref, rows: entry.rows, text: `${entry.size} bytes, ${entry.digest}` }
    case 'copy-data':
      return { ref: entry.ref, text: `${entry.size} bytes` }
    case 'other':
      return { text: `${entry.name} ${entry.detail}` }
    case 'found': {
      const found = entry.found.map(({ where, what, count }) => `${count} × ${what} in ${where}`)
      return { ref: entry.ref, text: found.join(', ') }
    }
    case 'torn':
      return { text: `${entry.size} bytes, ${entry.digest}` }
    case 'close':
      return { reason: entry.why }
    case 'damage':
      return { reason: entry.reason }
  }
}

function quoted(value: Cell): string {
  if (value === null || value === undefined) return ''
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
