import type { Output } from './output.ts'
import { visibleLine } from './visible.ts'
import { fit, pad, widthOf } from './width.ts'

export interface Column<Row> {
  readonly title: string
  /** The cell's text; what others wrote is made visible by the table. */
  readonly of: (row: Row) => string
  readonly align?: 'left' | 'right'
  /** True: gives way first when the terminal is too narrow. One column may. */
  readonly flexible?: boolean
  /** How the finished cell is coloured. */
  readonly paint?: (cell: string, row: Row) => string
}

const GAP = '  '
const LEAST_FLEXIBLE = 12

/**
 * Lines of a list: titles, then a line a row. On a terminal the flexible column is cut to fit;
 * elsewhere nothing is cut.
 */
export function tableLines<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  out: Pick<Output, 'onTerminal' | 'width' | 'style'>,
): string[] {
  const cells = rows.map((row) => columns.map((column) => visibleLine(column.of(row))))
  const widths = columns.map((column, at) =>
    Math.max(widthOf(column.title), ...cells.map((line) => widthOf(line[at] ?? ''))),
  )
  if (out.onTerminal) shrink(widths, columns, out.width)
  const titles = columns.map((column, at) => cell(column.title, column, widths[at] ?? 0))
  const title = out.style('dim', titles.join(GAP).trimEnd())
  const lines = cells.map((line, index) =>
    columns
      .map((column, at) => {
        const text = cell(line[at] ?? '', column, widths[at] ?? 0)
        return column.paint ? column.paint(text, rows[index] as Row) : text
      })
      .join(GAP)
      .trimEnd(),
  )
  return [title, ...lines]
}

function cell<Row>(text: string, column: Column<Row>, width: number): string {
  return pad(fit(text, width), width, column.align)
}

function shrink<Row>(widths: number[], columns: readonly Column<Row>[], room: number): void {
  const at = columns.findIndex((column) => column.flexible)
  if (at < 0) return
  const used = widths.reduce((sum, width) => sum + width, 0) + GAP.length * (columns.length - 1)
  widths[at] = Math.max(LEAST_FLEXIBLE, (widths[at] ?? 0) - Math.max(0, used - room))
}
