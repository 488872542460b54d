import type { ExecEvent, ExecResult } from '../../protocol/api/exec.ts'
import type { Output } from './output.ts'
import { visibleLine } from './visible.ts'
import { pad, widthOf } from './width.ts'

type Field = ExecResult['fields'][number]
type Cells = readonly (string | null)[]
type ResultEvent = Extract<ExecEvent, { event: 'result' | 'rows' | 'complete' }>

/** Prints results as they come. */
export interface ResultPrinter {
  take(event: ResultEvent): void
  /** After the last event, however it ended. */
  end(): void
}

/** For people: psql's table. Widths are taken from the first rows, so that a large result streams. */
export function tablePrinter(out: Output): ResultPrinter {
  let table: TableWriter | null = null
  const finish = () => {
    table?.finish()
    table = null
  }
  return {
    take(event) {
      if (event.event === 'result') table = new TableWriter(event.fields, out)
      else if (event.event === 'rows') table?.rows(event.rows)
      else {
        const rows = table !== null
        finish()
        out.data(rows ? footer(event.row_count) : tag(event.command, event.row_count))
      }
    },
    end: finish,
  }
}

/** RFC 4180 with line feeds; NULL is nothing, an empty text is `""` (as psql --csv and COPY have it). */
export function csvPrinter(out: Output): ResultPrinter {
  return {
    take(event) {
      if (event.event === 'result') out.data(event.fields.map(({ name }) => csv(name)).join(','))
      else if (event.event === 'rows')
        for (const row of event.rows) out.data(row.map(csv).join(','))
      else out.say(tag(event.command, event.row_count))
    },
    end: () => undefined,
  }
}

/** Keeps everything, for one JSON document. */
export function collector(): ResultPrinter & { readonly results: ExecResult[] } {
  const results: ExecResult[] = []
  let fields: Field[] = []
  let rows: (string | null)[][] = []
  return {
    results,
    take(event) {
      if (event.event === 'result') fields = event.fields
      else if (event.event === 'rows') for (const row of event.rows) rows.push(row)
      else {
        results.push({ command: event.command, row_count: event.row_count, fields, rows })
        fields = []
        rows = []
      }
    },
    end: () => undefined,
  }
}

function csv(value: string | null): string {
  if (value === null) return ''
  return value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}

/** `UPDATE 1`, `CREATE TABLE` */
function tag(command: string, rows: number | null): string {
  return visibleLine(rows === null ? command : `${command} ${rows}`)
}

function footer(rows: number | null): string {
  if (rows === null) return ''
  return `(${rows} ${rows === 1 ? 'row' : 'rows'})\n`
}

/** Rows whose widths are looked at before the first line is printed. */
const LOOK_AHEAD = 1000

class TableWriter {
  readonly #fields: readonly Field[]
  readonly #out: Output
  #waiting: Cells[] | null = []
  #widths: number[] = []

  constructor(fields: readonly Field[], out: Output) {
    this.#fields = fields
    this.#out = out
  }

  rows(rows: readonly Cells[]): void {
    for (const row of rows) {
      if (this.#waiting === null) this.#line(row)
      else if (this.#waiting.push(row) >= LOOK_AHEAD) this.#start()
    }
  }

  finish(): void {
    this.#start()
    const masked = this.#fields.filter((field) => field.masked).map(({ name }) => name)
    if (masked.length) this.#out.say(this.#out.faint(`masked: ${visibleLine(masked.join(', '))}`))
  }

  #start(): void {
    const rows = this.#waiting
    if (rows === null) return
    this.#waiting = null
    this.#widths = this.#fields.map((field, at) =>
      Math.max(
        widthOf(visibleLine(field.name)),
        ...rows.map((row) => widthOf(shown(row[at] ?? null))),
      ),
    )
    const titles = this.#fields.map(({ name }, at) =>
      this.#out.bold(pad(visibleLine(name), this.#widths[at] ?? 0)),
    )
    this.#out.data(` ${titles.join(' | ')} `.trimEnd())
    this.#out.data(this.#widths.map((width) => '-'.repeat(width + 2)).join('+'))
    for (const row of rows) this.#line(row)
  }

  #line(row: Cells): void {
    const cells = row.map((value, at) => {
      const align = NUMERIC.has(this.#fields[at]?.type ?? '') ? 'right' : 'left'
      const cell = pad(shown(value), this.#widths[at] ?? 0, align)
      return value === null ? this.#out.style('dim', cell) : cell
    })
    this.#out.data(` ${cells.join(' | ')}`.trimEnd())
  }
}

const NUMERIC = new Set(['int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'oid', 'money'])

function shown(value: string | null): string {
  return value === null ? 'NULL' : visibleLine(value)
}
