/** What is known of a statement, a line for each fact that says something. */
import type { ExplainFacts } from '../../protocol/api/explain.ts'

export function factLines(facts: ExplainFacts): readonly (readonly [name: string, text: string])[] {
  const { ddl, why, unbounded, opaque } = facts
  const kind = ddl === null ? facts.class : `${facts.class}, ${ddl}`
  const lines: (readonly [string, string])[] = [
    ['statement', `${facts.verb} (${kind})${why === '' ? '' : `: ${why}`}`],
    ['reads', reached(facts.reads, facts.tables_read, facts.columns_read, facts.writes)],
    ['writes', reached(facts.writes, facts.tables_written, facts.columns_written)],
    ['rows', unbounded ? 'ALL: nothing bounds what it changes' : ''],
    ['code', opaque ? 'it runs code that hoop cannot read: it may do anything' : ''],
    ['calls', facts.functions.map(({ name, volatility }) => `${name} (${volatility})`).join(', ')],
    ...facts.predicates.map(predicate),
    ...(facts.output ?? []).map(returned),
  ]
  return lines.filter(([, text]) => text !== '')
}

/** What it names, what is behind that, and the columns. */
function reached(
  named: readonly string[],
  tables: readonly string[],
  columns: readonly string[],
  elsewhere: readonly string[] = [],
): string {
  const behind = tables.filter((table) => !named.includes(table) && !elsewhere.includes(table))
  const all = [...named, ...behind.map((table) => `${table} (behind it)`)].join(', ')
  return [all, columns.join(', ')].filter((part) => part !== '').join(': ')
}

function predicate({ use, columns, guesses, masked }: ExplainFacts['predicates'][number]) {
  const often = guesses > 1 ? ` with ${guesses} values` : ''
  const what = masked ? ', masked' : ''
  return ['predicate', `${use}: ${columns.join(', ')}${often}${what}`] as const
}

function returned({ name, origins, mask }: NonNullable<ExplainFacts['output']>[number]) {
  const from = origins.length === 0 ? '' : ` from ${origins.join(', ')}`
  return ['returns', `${name}${from}${mask === null ? '' : `, masked (${mask})`}`] as const
}
