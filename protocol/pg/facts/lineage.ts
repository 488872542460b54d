/**
 * Where the values of each output column come from: names are resolved as the server does it,
 * through subqueries, WITH, joins, set operations, views and functions, down to columns of tables.
 */
import type { Sight } from './bodies.ts'
import type { Gathering } from './context.ts'
import { value } from './expressions.ts'
import { from } from './from.ts'
import { type Column, innerScope, type Scope, UNPROVED } from './lineage-types.ts'
import { modify } from './modify.ts'
import { select } from './select.ts'
import { type Engine, State } from './state.ts'
import type { Node } from './tree.ts'

const ENGINE: Engine = {
  query: (state, type, body, scope) =>
    type === 'SelectStmt' ? select(state, body, scope) : modify(state, type, body, scope),
  from,
  value,
}

/** null = the number of columns is not known. What decides about rows goes to the gathering. */
export function lineage(gathering: Gathering, root: Node, sight?: Sight): readonly Column[] | null {
  const state = new State(gathering, ENGINE)
  const { columns } = state.query(root.type, root.body, rootScope(sight))
  // A reference that lineage did not come by: some corner of the tree is not understood.
  const complete = gathering.columnRefs.every((reference) => gathering.seen.has(reference))
  if (!complete) for (const use of ['read', 'filter'] as const) gathering.reach.doubt(use)
  return complete ? columns : (columns?.map((column) => ({ ...column, proved: false })) ?? null)
}

function rootScope(sight: Sight | undefined): Scope {
  if (sight === undefined) return innerScope(null)
  const { columns, parameters } = sight
  const range = { name: '', schema: '', columns, rest: UNPROVED, relation: false }
  const items = columns.length === 0 ? [] : [{ ranges: [range], columns, rest: null }]
  return { ...innerScope(null), items, parameters }
}
