import type { SessionSummary } from '../../protocol/api/sessions.ts'
import type { Output } from './output.ts'
import { type Column, tableLines } from './table.ts'
import { describeDuration, describeTime } from './time.ts'
import { visibleLine } from './visible.ts'

const COLUMNS: readonly Column<SessionSummary>[] = [
  { title: 'SESSION', of: ({ session }) => session },
  { title: 'USER', of: ({ user }) => user },
  { title: 'CONNECTION', of: ({ connection, database }) => `${connection}/${database}` },
  { title: 'STARTED', of: ({ started_at }) => describeTime(started_at) },
  { title: 'LASTED', of: lasted, align: 'right' },
  { title: 'VERDICTS', of: ({ verdicts }) => verdicts.join(' '), flexible: true },
]

export function sessionLines(list: readonly SessionSummary[], out: Output): string[] {
  return tableLines(list, COLUMNS, out)
}

/** Each session with the lines that matched, below it. */
export function matchLines(list: readonly SessionSummary[], out: Output): string[] {
  const [titles, ...rows] = sessionLines(list, out)
  const lines = list.flatMap(({ matches }, at) => [
    rows[at] ?? '',
    ...matches.map(({ entry, kind, line }) => {
      const where = out.style('dim', `  ${String(entry).padStart(5)} ${kind}: `)
      return where + visibleLine(line)
    }),
  ])
  return [titles ?? '', ...lines]
}

function lasted({ started_at, ended_at }: SessionSummary): string {
  if (ended_at === null) return 'live'
  return describeDuration(Date.parse(ended_at) - Date.parse(started_at))
}
