/**
 * What an open transaction sees of the catalogue, and others do not: asked over the session's own
 * connection (protocol/pg/inside.ts), read here. All that people made is told anew, because a change of one
 * object changes what others say of it: views name the columns of their tables.
 */
import { buildCatalogue, type Catalogue } from '../../protocol/pg/catalogue.ts'
import type { Inside } from '../../protocol/pg/execution.ts'
import { isBuiltin, type ObjectRows, objectsOf } from './load.ts'
import {
  CASTS,
  FIRST_NORMAL,
  functionsQuery,
  OPERATORS,
  RELATIONS,
  TOUCHES,
  TYPES,
} from './load-queries.ts'

type Kind = keyof ObjectRows | 'isolation'

export function insideQuery(server: number): string {
  const own = (name: string): string =>
    `(${name}.oid >= ${FIRST_NORMAL} OR n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast'))`
  return [
    told('isolation', "SELECT current_setting('transaction_isolation')"),
    told('touches', TOUCHES),
    told('relations', `${RELATIONS} AND ${own('c')}`),
    told('functions', `${functionsQuery(server)} WHERE ${own('p')}`),
    told('types', `${TYPES} WHERE ${own('t')}`),
    told('operators', OPERATORS),
    told('casts', CASTS),
  ].join('; ')
}

/** A row that is too long for an answer of the broker's own is told as nothing. */
function told(kind: Kind, query: string): string {
  const rows = `SELECT json_build_array('${kind}', row)::text AS told FROM (${query}) q(row) OFFSET 0`
  return `SELECT CASE WHEN octet_length(told) < ${LONGEST} THEN told ELSE '' END FROM (${rows}) t`
}

const LONGEST = 500_000

const made = new WeakMap<Inside, { readonly base: Catalogue; readonly catalogue: Catalogue }>()

/**
 * The catalogue as the transaction sees it. A transaction that does not see what others commit meanwhile
 * sees less than the target goes by: then it is the base alone, and what only the transaction sees is unknown.
 */
export function insideCatalogue(base: Catalogue, inside: Inside | null): Catalogue {
  if (inside === null) return base
  const known = made.get(inside)
  if (known?.base === base) return known.catalogue
  const catalogue = merged(base, inside)
  made.set(inside, { base, catalogue })
  return catalogue
}

function merged(base: Catalogue, inside: Inside): Catalogue {
  if (inside.includes('')) return base
  const rows: { [K in keyof ObjectRows]: ObjectRows[K][number][] } = {
    ...{ touches: [], relations: [], functions: [], types: [], operators: [], casts: [] },
  }
  let isolation: unknown = null
  for (const text of inside) {
    const [kind, row] = JSON.parse(text) as [Kind, never]
    if (kind === 'isolation') isolation = row
    else rows[kind].push(row)
  }
  if (isolation !== 'read committed') return base
  const own = objectsOf(rows)
  return buildCatalogue({
    ...base,
    relations: [...[...base.relations.values()].filter(isBuiltin), ...own.relations],
    functions: [...[...base.functions.values()].filter(isBuiltin), ...own.functions],
    types: [...[...base.types.values()].filter(isBuiltin), ...own.types],
    operators: own.operators,
    casts: own.casts,
  })
}
