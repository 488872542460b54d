/** WITH, recursive too. */
import { type Column, combine, either, named, type Scope, type Value } from './lineage-types.ts'
import { sameOrigins } from './origins.ts'
import type { State } from './state.ts'
import { as, child, flag, list, node, strings, type Tree, text } from './tree.ts'

/** A recursive query is looked at until nothing new comes in; then at the latest it is unproved. */
const MOST_ROUNDS = 12

export function addCtes(state: State, body: Tree, scope: Scope): void {
  const clause = child(body, 'withClause')
  if (clause === null) return
  const ctes = list(clause, 'ctes').flatMap((one): Tree[] => {
    const cte = as(one, 'CommonTableExpr')
    return cte === null ? [] : [cte]
  })
  if (!flag(clause, 'recursive')) {
    for (const cte of ctes) scope.ctes.set(text(cte, 'ctename'), once(state, cte, scope))
    return
  }
  addRecursive(state, ctes, scope)
}

/** With RECURSIVE a query may name a later one, so all names hide tables from the start. */
function addRecursive(state: State, ctes: readonly Tree[], scope: Scope): void {
  for (const cte of ctes) scope.ctes.set(text(cte, 'ctename'), null)
  for (let pass = 0; pass < Math.min(ctes.length, MOST_ROUNDS); pass++) {
    for (const cte of ctes) {
      const name = text(cte, 'ctename')
      scope.ctes.set(name, fixedPoint(state, cte, name, scope))
    }
    const isKnown = (columns: readonly Column[] | null): boolean =>
      columns?.every((column) => column.proved) ?? false
    if ([...scope.ctes.values()].every(isKnown)) return
  }
}

function once(state: State, cte: Tree, scope: Scope): readonly Column[] | null {
  const query = node(cte['ctequery'])
  if (query === null) return null
  const { columns } = state.query(query.type, query.body, scope)
  return renamed(cte, columns)
}

function renamed(cte: Tree, columns: readonly Column[] | null): readonly Column[] | null {
  if (columns === null) return null
  const names = strings(list(cte, 'aliascolnames')) ?? []
  const own = columns.map((column, index) => named(names[index] ?? column.name, column))
  return [...own, ...extraColumns(cte, combine(own))]
}

/** SEARCH and CYCLE add columns that hold values of others. */
function extraColumns(cte: Tree, all: Value): Column[] {
  const search = child(cte, 'search_clause')
  const cycle = child(cte, 'cycle_clause')
  const names = [
    search === null ? '' : text(search, 'search_seq_column'),
    cycle === null ? '' : text(cycle, 'cycle_mark_column'),
    cycle === null ? '' : text(cycle, 'cycle_path_column'),
  ]
  return names.filter((name) => name !== '').map((name) => named(name, all))
}

function fixedPoint(state: State, cte: Tree, name: string, scope: Scope): readonly Column[] | null {
  let known = firstTerm(state, cte, scope)
  for (let round = 0; round < MOST_ROUNDS; round++) {
    scope.ctes.set(name, known)
    const found = once(state, cte, scope)
    if (known === null || found === null) return found
    const next = merged(known, found)
    if (next === known) return found
    known = next
  }
  return known?.map((column) => ({ ...column, proved: false })) ?? null
}

/** The part that does not refer to itself; what it has no name for is found in the rounds. */
function firstTerm(state: State, cte: Tree, scope: Scope): readonly Column[] | null {
  const query = as(cte['ctequery'], 'SelectStmt')
  const left = query === null ? null : child(query, 'larg')
  if (query === null || left === null) return once(state, cte, scope)
  const inner = child(query, 'withClause')
  const term = inner === null ? left : { ...left, withClause: inner }
  return renamed(cte, state.query('SelectStmt', term, scope).columns)
}

function merged(known: readonly Column[], found: readonly Column[]): readonly Column[] {
  const next = found.map((column, index) => {
    const before = known[index]
    return before === undefined ? column : named(column.name, either(column, before))
  })
  const same =
    next.length === known.length &&
    next.every((column, index) => {
      const before = known[index]!
      return sameOrigins(column.origins, before.origins) && column.proved === before.proved
    })
  return same ? known : next
}
