import {
  anyValue,
  type Column,
  columnOf,
  deeper,
  expression,
  type Place,
  RELATIONS,
  type Source,
} from './scope.ts'

/** What may stand in FROM. */

export function source(place: Place): Source {
  const { choices } = place
  const first = item(place)
  if (!choices.chance(4)) return first
  const seen = deeper(place, { ranges: [...place.ranges, ...first.ranges] })
  if (choices.chance(3)) return lateral(seen, first)
  return joined(place, first, item(deeper(place)))
}

function item(place: Place): Source {
  const { choices } = place
  const alias = choices.fresh('t')
  if (place.ctes.length > 0 && choices.chance(2)) {
    const cte = choices.pick(place.ctes)
    return named(`${cte.alias} AS ${alias}`, alias, cte.columns)
  }
  if (place.depth < 3 && choices.chance(6)) return subquery(place, alias)
  if (choices.chance(10)) return call(place, alias)
  const which = choices.below(2) === 0 ? 0 : choices.below(RELATIONS.length)
  const [name, columns] = RELATIONS[which]!
  if (!place.isClean) return named(`${name} AS ${alias}`, alias, columns)
  return named(`${name} AS ${alias}`, alias, columns)
}

function named(sql: string, alias: string, columns: readonly Column[]): Source {
  return { sql, ranges: [{ alias, columns }] }
}

function subquery(place: Place, alias: string): Source {
  const { choices } = place
  const made = place.grammar.select(deeper(place, { ranges: [] }), null)
  if (!choices.chance(3)) return named(`(${made.sql}) AS ${alias}`, alias, made.columns)
  const columns = made.columns.map((column, index) => ({ ...column, name: `r${index + 1}` }))
  const list = columns.map((column) => column.name).join(', ')
  return named(`(${made.sql}) AS ${alias}(${list})`, alias, columns)
}

/** Functions in FROM, of what is clean: how many rows come is what everybody sees. */
function call(place: Place, alias: string): Source {
  const { choices } = place
  const clean = { ...place, ranges: [], isClean: true }
  return choices.pick([
    () => {
      const rows = `generate_series(1, ${choices.pick(['2', '3', '0'])})`
      return named(`${rows} AS ${alias}(n)`, alias, [open('n', 'int')])
    },
    () => named(`pairs() AS ${alias}`, alias, [open('a', 'int'), guarded('b', 'text')]),
    () => {
      const made = `unnest(ARRAY[${expression(clean, 'text')}, 'z']) WITH ORDINALITY`
      return named(`${made} AS ${alias}(u, o)`, alias, [open('u', 'text')])
    },
    () =>
      named(`whole(2) AS ${alias}`, alias, [
        ...[open('id', 'int'), open('name', 'text'), guarded('ssn', 'text')],
        ...[guarded('house', 'home'), guarded('doc', 'json')],
      ]),
    () =>
      named(`jsonb_to_record('{"x": 1, "y": "b"}') AS ${alias}(x int, y text)`, alias, [
        open('x', 'int'),
        open('y', 'text'),
      ]),
  ])()
}

function open(name: string, type: Column['type']): Column {
  return { name, type, isProtected: false }
}

function guarded(name: string, type: Column['type']): Column {
  return { name, type, isProtected: true }
}

/** One row for each of the left's, made of it. */
function lateral(place: Place, first: Source): Source {
  const { choices } = place
  const alias = choices.fresh('l')
  const touched = { value: false }
  const inner = { ...place, touched }
  const made = choices.pick([
    () => ({ sql: `LATERAL (SELECT ${expression(inner, 'text')} AS x)`, type: 'text' as const }),
    () => ({
      sql: `LATERAL (SELECT ${expression(inner, 'json')} AS x, ${anyValue(inner)} AS y)`,
      type: 'json' as const,
    }),
    () => ({
      sql: `LATERAL (VALUES (${expression(inner, 'int')}), (${expression(inner, 'int')}))`,
      type: 'int' as const,
    }),
  ])()
  if (touched.value) place.touched.value = true
  const column: Column = { name: 'x', type: made.type, isProtected: touched.value }
  const list = made.type === 'int' ? '(x)' : ''
  return {
    sql: `${first.sql}, ${made.sql} AS ${alias}${list}`,
    ranges: [...first.ranges, { alias, columns: [column] }],
  }
}

function joined(place: Place, left: Source, right: Source): Source {
  const { choices } = place
  const ranges = [...left.ranges, ...right.ranges]
  const kind = choices.pick(['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'CROSS JOIN'])
  if (kind === 'CROSS JOIN') return { sql: `${left.sql} CROSS JOIN ${right.sql}`, ranges }
  const of = (one: Source): string =>
    columnOf({ ...place, ranges: one.ranges, isClean: true }, 'int') ?? '1'
  return { sql: `${left.sql} ${kind} ${right.sql} ON ${of(left)} = ${of(right)}`, ranges }
}
