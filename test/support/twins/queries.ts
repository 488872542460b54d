import {
  anyValue,
  type Column,
  clean,
  columnOf,
  deeper,
  expression,
  type Place,
  type Query,
  rowOf,
  type Source,
  TYPES,
  type Type,
  watched,
} from './scope.ts'

/** SELECT in its many forms. */

export function select(place: Place, types: readonly Type[] | null): Query {
  const { choices } = place
  if (place.depth < 3 && choices.chance(9)) return union(place, types)
  if (place.depth < 3 && choices.chance(12)) return withQuery(place, types)
  if (types === null && choices.chance(16)) return special(place)
  if (choices.chance(14)) return values(place, types)
  if (choices.chance(6)) return grouped(place, types)
  return plain(place, types)
}

function plain(place: Place, types: readonly Type[] | null): Query {
  const { choices } = place
  const from = place.grammar.source(place)
  const inside = within(place, from)
  const isStar = types === null && choices.chance(5)
  const targets = isStar ? null : targetList(inside, types)
  if (isStar) touchAll(place, from)
  const columns = targets?.columns ?? from.ranges.flatMap((range) => range.columns)
  const ordered = orderOf(inside, from)
  const distinct = targets !== null && columns.every((one) => !one.isProtected) && choices.chance(9)
  const list = targets?.sql ?? choices.pick(['*', `${from.ranges[0]!.alias}.*`])
  const shown = targets === null && list !== '*' ? (from.ranges[0]?.columns ?? columns) : columns
  const tail = distinct ? '' : ordered
  const sql = `SELECT ${distinct ? 'DISTINCT ' : ''}${list} FROM ${from.sql}${where(inside)}${tail}`
  return { sql, columns: shown }
}

/** Forms that are not for every type: rows taken apart, sets of groups, one row of each. */
function special(place: Place): Query {
  const { choices } = place
  const from = place.grammar.source(place)
  const inside = within(place, from)
  const sober = clean({ ...inside, ranges: from.ranges })
  const key = columnOf(sober, 'int') ?? columnOf(sober, 'text') ?? '1'
  const other = columnOf(sober, 'text') ?? '1'
  const row = rowOf(inside) ?? '1'
  const sql = choices.pick([
    () => `SELECT (whole(${choices.pick(['1', '2', '9'])})).*, 1 AS one`,
    () => `SELECT (r).* FROM (SELECT ${row} AS r FROM ${from.sql}) q`,
    () =>
      `SELECT (q.r).* FROM (SELECT ROW(${anyValue(inside)}, 1)::record AS r FROM ${from.sql}) q`,
    () =>
      `SELECT DISTINCT ON (${key}) ${key}, ${anyValue(inside)} FROM ${from.sql} ORDER BY ${key}`,
    () =>
      `SELECT ${key}, ${other}, count(*), max(${expression(inside, 'text')}) FROM ${from.sql} GROUP BY GROUPING SETS ((${key}), (${other}), ()) ORDER BY 1, 2, 3`,
    () =>
      `SELECT ${key}, count(*) FROM ${from.sql} GROUP BY ROLLUP (${key}) HAVING ${expression(sober, 'bool')} OR count(*) > 1 ORDER BY 1`,
    () =>
      `SELECT first_value(${expression(inside, 'text')}) OVER w, ntile(2) OVER w, ${anyValue(inside)} FROM ${from.sql} WINDOW w AS (ORDER BY ${key}) ORDER BY ${key}`,
    () =>
      `SELECT ${anyValue(inside)} FROM ${from.sql} ORDER BY ${key} FETCH FIRST 2 ROWS WITH TIES`,
    () => `SELECT json_populate_record(NULL::people, row_to_json(${row})) FROM ${from.sql}`,
    () => `SELECT x.* FROM ${from.sql}, LATERAL jsonb_each_text(to_jsonb(${row})) x`,
    () => `SELECT unnest(${expression(sober, 'texts')}), ${anyValue(inside)} FROM ${from.sql}`,
    () => `SELECT ${row}::text, ${row} IS NULL, ${row}.* FROM ${from.sql}`,
    () =>
      `SELECT ARRAY(SELECT ${expression(inside, 'text')} FROM ${from.sql}), ${row} FROM ${from.sql}`,
    () =>
      `SELECT x.* FROM ${from.sql}, XMLTABLE('/r' PASSING xmlelement(name r, ${expression(sober, 'text')}) COLUMNS v text PATH '.') x`,
  ])()
  return { sql, columns: [] }
}

function within(place: Place, from: Source): Place {
  return { ...place, ranges: [...place.ranges, ...from.ranges] }
}

function touchAll(place: Place, from: Source): void {
  const all = from.ranges.flatMap((range) => range.columns)
  if (all.some((column) => column.isProtected)) place.touched.value = true
}

function targetList(place: Place, types: readonly Type[] | null): Query {
  const { choices } = place
  const wanted = types ?? new Array(1 + choices.below(3)).fill(null)
  const columns: Column[] = []
  const parts = wanted.map((want: Type | null) => {
    const type = want ?? choices.pick(TYPES)
    const isWindow = types === null && choices.chance(9)
    const made = watched(place, (inner) =>
      isWindow ? windowed(inner) : types === null ? shown(inner, type) : expression(inner, type),
    )
    const name = choices.fresh('c')
    columns.push({ name, type: isWindow ? 'int' : type, isProtected: made.isProtected })
    return `${made.sql} AS ${name}`
  })
  return { sql: parts.join(', '), columns }
}

/** A value as a client would have it: a column, a row, something computed, a set. */
function shown(place: Place, type: Type): string {
  const { choices } = place
  const which = choices.below(12)
  if (which < 3) return columnOf(place, type) ?? expression(place, type)
  if (which === 11 && type === 'json') return `to_jsonb(${rowOf(place) ?? '1'})`
  return expression(place, type)
}

/** Windows over what is clean; what is computed in them need not be. */
function windowed(place: Place): string {
  const { choices } = place
  const sober = clean(place)
  const over = choices.pick([
    () => `ORDER BY ${expression(sober, 'int')}`,
    () => `PARTITION BY ${expression(sober, 'int')} ORDER BY ${expression(sober, 'text')}`,
    () => '',
    () => `ORDER BY ${columnOf(sober, 'int') ?? '1'} ROWS BETWEEN 1 PRECEDING AND CURRENT ROW`,
  ])()
  const call = choices.pick([
    () => 'row_number()',
    () => `sum(${expression(place, 'int')})::int`,
    () => `length(lag(${expression(place, 'text')})`,
    () => `count(${expression(place, 'text')})::int`,
    () => 'rank()',
  ])()
  if (call.startsWith('length(lag')) return `${call} OVER (${over}))`
  const cast = call.endsWith('::int')
  return cast ? `(${call.slice(0, -5)} OVER (${over}))::int` : `(${call} OVER (${over}))::int`
}

function where(place: Place): string {
  const { choices } = place
  if (!choices.chance(3)) return ''
  return ` WHERE ${expression(clean(place), 'bool')}`
}

function orderOf(place: Place, from: Source): string {
  const { choices } = place
  const parts: string[] = []
  const sober = clean({ ...place, ranges: from.ranges })
  if (choices.chance(4)) {
    const key = columnOf(sober, 'int') ?? columnOf(sober, 'text')
    if (key !== null) parts.push(` ORDER BY ${key}${choices.pick(['', ' DESC', ' NULLS FIRST'])}`)
  }
  if (choices.chance(6)) parts.push(choices.pick([' LIMIT 2', ' OFFSET 1', ' LIMIT 1 OFFSET 2']))
  return parts.join('')
}

/** Aggregates, over all or by what is clean. */
function grouped(place: Place, types: readonly Type[] | null): Query {
  const { choices } = place
  const from = place.grammar.source(place)
  const inside = within(place, from)
  const sober = clean({ ...inside, ranges: from.ranges })
  const key = choices.chance(2) ? columnOf(sober, 'text') : null
  const columns: Column[] = []
  const wanted = types ?? [choices.pick(TYPES), choices.pick(TYPES)]
  const parts = wanted.map((type) => {
    const made = watched(inside, (inner) => aggregate(inner, sober, type))
    const name = choices.fresh('g')
    columns.push({ name, type, isProtected: made.isProtected })
    return `${made.sql} AS ${name}`
  })
  if (types === null && key !== null) {
    const name = choices.fresh('k')
    parts.push(`${key} AS ${name}`)
    columns.push({ name, type: 'text', isProtected: false })
  }
  const tail = key === null ? '' : ` GROUP BY ${key} ORDER BY ${key}`
  return { sql: `SELECT ${parts.join(', ')} FROM ${from.sql}${where(inside)}${tail}`, columns }
}

function aggregate(place: Place, sober: Place, type: Type): string {
  const { choices } = place
  const value = expression(place, type)
  const filter = choices.chance(5)
    ? ` FILTER (WHERE ${expression(choices.chance(2) ? place : sober, 'bool')})`
    : ''
  const order = choices.chance(3)
    ? ` ORDER BY ${columnOf(choices.chance(9) ? place : sober, 'int') ?? '1'}`
    : ''
  const first = `((array_agg(${value}${order})${filter})[1])`
  const own: Readonly<Partial<Record<Type, () => string>>> = {
    text: () =>
      choices.pick([
        `string_agg(${value}, ','${order})${filter}`,
        `max(${value})${filter}`,
        `xmlagg(xmlelement(name x, ${value})${order})${filter}::text`,
        `json_agg(${value}${order})${filter}::text`,
        `(mode() WITHIN GROUP (ORDER BY ${value})${filter})`,
        `array_agg(${value}${order})${filter}::text`,
      ]),
    int: () =>
      choices.pick([
        '(count(*)::int)',
        `(sum(${value})${filter})::int`,
        `max(${value})${filter}`,
        `count(${anyValue(place)})${filter}::int`,
        `bit_xor(${value})${filter}`,
      ]),
    num: () =>
      choices.pick([
        `sum(${value})${filter}`,
        `avg(${value})${filter}`,
        `(percentile_disc(0.5) WITHIN GROUP (ORDER BY ${value})${filter})`,
        `var_pop(${value})${filter}`,
      ]),
    bool: () => choices.pick([`bool_or(${value})${filter}`, `every(${value})${filter}`]),
    json: () =>
      choices.pick([
        `jsonb_agg(${value}${order})${filter}`,
        `jsonb_object_agg('k', ${value})${filter}`,
        `jsonb_agg(${rowOf(place) ?? '1'}${order})${filter}`,
        `JSON_ARRAYAGG(${value})${filter}::jsonb`,
      ]),
    texts: () => `array_agg(${expression(place, 'text')}${order})${filter}`,
    span: () => `range_intersect_agg(${value})${filter}`,
  }
  return (own[type] ?? (() => first))()
}

function union(place: Place, types: readonly Type[] | null): Query {
  const { choices } = place
  const wanted = types ?? [choices.pick(TYPES), choices.pick(TYPES)]
  const left = plain(deeper(place), wanted)
  const right = select(deeper(place), wanted)
  const columns = left.columns.map((column, index) => ({
    ...column,
    isProtected: column.isProtected || right.columns[index]?.isProtected === true,
  }))
  const isClean = columns.every((column) => !column.isProtected)
  const comparable = wanted.every((type) => type !== 'home')
  const op =
    isClean && comparable
      ? choices.pick(['UNION ALL', 'UNION', 'EXCEPT', 'INTERSECT'])
      : 'UNION ALL'
  return { sql: `(${left.sql}) ${op} (${right.sql})`, columns }
}

function values(place: Place, types: readonly Type[] | null): Query {
  const { choices } = place
  const wanted = types ?? [choices.pick(TYPES), choices.pick(TYPES)]
  const made = wanted.map((type) => watched(place, (inner) => expression(inner, type)))
  const more = wanted.map((type) => watched(place, (inner) => expression(inner, type)))
  const columns = wanted.map((type, index) => ({
    name: `column${index + 1}`,
    type,
    isProtected: made[index]!.isProtected || more[index]!.isProtected,
  }))
  const row = (parts: readonly { sql: string }[]): string =>
    `(${parts.map((part) => part.sql).join(', ')})`
  return { sql: `VALUES ${row(made)}, ${row(more)}`, columns }
}

/** WITH, recursive too. */
function withQuery(place: Place, types: readonly Type[] | null): Query {
  const { choices } = place
  const name = choices.fresh('w')
  const first = plain(deeper(place, { ranges: [] }), null)
  const named = first.columns.map((column, index) => ({ ...column, name: `n${index + 1}` }))
  const range = { alias: name, columns: named }
  const inside = deeper(place, { ctes: [...place.ctes, range] })
  const list = named.map((column) => column.name).join(', ')
  const isRecursive = choices.chance(2)
  const rest = plain(inside, types)
  const body = isRecursive
    ? `WITH RECURSIVE ${name}(${list}, depth) AS ((SELECT q.*, 1 FROM (${first.sql}) q)
        UNION ALL SELECT ${list}, depth + 1 FROM ${name} WHERE depth < 2)`
    : `WITH ${name}(${list}) AS ${choices.pick(['', 'MATERIALIZED '])}(${first.sql})`
  return { sql: `${body} ${rest.sql}`, columns: rest.columns }
}
