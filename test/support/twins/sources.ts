import {
  anyValue,
  type Column,
  clean,
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
  const sample = choices.chance(20) ? ' TABLESAMPLE BERNOULLI (100) REPEATABLE (1)' : ''
  if (sample !== '' && !name.startsWith('v_'))
    return named(`${name} AS ${alias}${sample}`, alias, columns)
  if (choices.chance(12)) return reordered(name, columns, alias)
  return named(`${name} AS ${alias}`, alias, columns)
}

function named(sql: string, alias: string, columns: readonly Column[]): Source {
  return { sql, ranges: [{ alias, columns }] }
}

/** New names for the first columns, which were those of others. */
function reordered(name: string, columns: readonly Column[], alias: string): Source {
  const renamed = columns.map((column, index) => ({ ...column, name: `x${index + 1}` }))
  const inner = `(SELECT ${columns.map((column) => column.name).join(', ')} FROM ${name})`
  const list = renamed.map((column) => column.name).join(', ')
  return named(`${inner} AS ${alias}(${list})`, alias, renamed)
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
  const sober = { ...place, ranges: [], isClean: true }
  return choices.pick([
    () =>
      named(`ROWS FROM (pairs(), generate_series(1, 2)) AS ${alias}(a, b, n)`, alias, [
        ...[guarded('a', 'int'), guarded('b', 'text'), guarded('n', 'int')],
      ]),
    () => {
      const made = `jsonb_to_recordset('[{"x": 1, "y": "b"}, {"x": 2}]') AS ${alias}(x int, y text)`
      return named(made, alias, [open('x', 'int'), open('y', 'text')])
    },
    () => {
      const made = `JSON_TABLE(${expression(sober, 'json')}, '$[*]' COLUMNS (x int PATH '$', y text PATH '$.a'))`
      return named(`${made} AS ${alias}`, alias, [open('x', 'int'), open('y', 'text')])
    },
    () => {
      const made = `unnest(ARRAY[${expression(sober, 'text')}], ARRAY[1, 2])`
      return named(`${made} AS ${alias}(u, n)`, alias, [open('u', 'text'), open('n', 'int')])
    },
    () => named(`whole(1) AS ${alias}`, alias, [guarded('born', 'date'), guarded('tags', 'texts')]),

    () => {
      const rows = `generate_series(1, ${choices.pick(['2', '3', '0'])})`
      return named(`${rows} AS ${alias}(n)`, alias, [open('n', 'int')])
    },
    () => named(`pairs() AS ${alias}`, alias, [open('a', 'int'), guarded('b', 'text')]),
    () => {
      const made = `unnest(ARRAY[${expression(sober, 'text')}, 'z']) WITH ORDINALITY`
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
  const shared = sharedColumn(left, right)
  if (shared !== null && choices.chance(3)) {
    const using = `${left.sql} JOIN ${right.sql} USING (${shared}) AS ${choices.fresh('j')}`
    return { sql: using, ranges }
  }
  const kind = choices.pick(['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'CROSS JOIN'])
  if (kind === 'CROSS JOIN') return { sql: `${left.sql} CROSS JOIN ${right.sql}`, ranges }
  const of = (one: Source): string =>
    columnOf(clean({ ...place, ranges: one.ranges }), 'int') ?? '1'
  return { sql: `${left.sql} ${kind} ${right.sql} ON ${of(left)} = ${of(right)}`, ranges }
}

/** A column that both have once, and that is in the clear. */
function sharedColumn(left: Source, right: Source): string | null {
  const [first, ...others] = left.ranges
  const [second] = right.ranges
  if (first === undefined || second === undefined || others.length > 0) return null
  const found = first.columns.find(({ name, type, isProtected }) =>
    second.columns.some(
      (one) => one.name === name && one.type === type && !isProtected && !one.isProtected,
    ),
  )
  return found?.name ?? null
}
