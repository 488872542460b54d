import type { Choices } from './choices.ts'

/** The types of which the grammar makes values, and how PostgreSQL calls them. */
export const SQL_TYPES = {
  text: 'text',
  int: 'int4',
  num: 'numeric',
  bool: 'bool',
  date: 'date',
  json: 'jsonb',
  texts: 'text[]',
  mood: 'mood',
  span: 'int4range',
  home: 'home',
  bytes: 'bytea',
} as const

export type Type = keyof typeof SQL_TYPES
export const TYPES = Object.keys(SQL_TYPES) as readonly Type[]

export interface Column {
  readonly name: string
  readonly type: Type
  readonly isProtected: boolean
}

/** What a FROM item brings into sight. */
export interface Range {
  readonly alias: string
  readonly columns: readonly Column[]
}

export interface Query {
  readonly sql: string
  readonly columns: readonly Column[]
}

/** One item of FROM, or several that are joined. */
export interface Source {
  readonly sql: string
  readonly ranges: readonly Range[]
}

/** The parts of the grammar, which call each other through this. */
export interface Grammar {
  expression(place: Place, type: Type): string
  /** null = columns of whatever types. */
  select(place: Place, types: readonly Type[] | null): Query
  source(place: Place): Source
}

/** Where in a sentence we are. */
export interface Place {
  readonly grammar: Grammar
  readonly choices: Choices
  readonly ranges: readonly Range[]
  readonly ctes: readonly Range[]
  /** Protected columns may not stand here, as in what decides about rows. */
  readonly isClean: boolean
  readonly depth: number
  /** Set when a protected column was named: by what is made of it, and of what is around it. */
  readonly touched: { value: boolean }
}

export function startPlace(grammar: Grammar, choices: Choices): Place {
  return {
    grammar,
    choices,
    ranges: [],
    ctes: [],
    isClean: false,
    depth: 0,
    touched: { value: false },
  }
}

/** Here nothing protected may decide; a client that probes lets it, and is refused. */
export function clean(place: Place): Place {
  return place.isClean || place.choices.chance(12) ? place : { ...place, isClean: true }
}

export function deeper(place: Place, more: Partial<Place> = {}): Place {
  return { ...place, depth: place.depth + 1, ...more }
}

export function expression(place: Place, type: Type): string {
  return place.grammar.expression(place, type)
}

/** A value of whatever type. */
export function anyValue(place: Place): string {
  return expression(place, place.choices.pick(TYPES))
}

/** A subquery whose columns have these types; the columns in sight may be used in it. */
export function query(place: Place, types: readonly Type[]): string {
  return place.grammar.select(deeper(place), types).sql
}

/** A text made here, and whether a protected column is in it. */
export function watched(
  place: Place,
  make: (inner: Place) => string,
): { sql: string; isProtected: boolean } {
  const touched = { value: false }
  const sql = make({ ...place, touched })
  if (touched.value) place.touched.value = true
  return { sql, isProtected: touched.value }
}

/** A column of this type in sight; null = there is none. */
export function columnOf(place: Place, type: Type): string | null {
  const all = place.ranges.flatMap((range) =>
    range.columns.flatMap((column) =>
      column.type === type && !(place.isClean && column.isProtected) ? [{ range, column }] : [],
    ),
  )
  if (all.length === 0) return null
  const { range, column } = place.choices.pick(all)
  if (column.isProtected) place.touched.value = true
  return place.choices.chance(6)
    ? `(${range.alias}).${column.name}`
    : `${range.alias}.${column.name}`
}

/** A whole row as one value; null = none may stand here. */
export function rowOf(place: Place): string | null {
  const good = place.ranges.filter(
    (range) => !place.isClean || range.columns.every((column) => !column.isProtected),
  )
  if (good.length === 0) return null
  const range = place.choices.pick(good)
  if (range.columns.some((column) => column.isProtected)) place.touched.value = true
  return range.alias
}

function columns(clean: string, guarded: string): Column[] {
  const of = (text: string, isProtected: boolean): Column[] =>
    text
      .split(' ')
      .filter((one) => one !== '')
      .map((one) => {
        const [name, type] = one.split(':')
        return { name: name!, type: type as Type, isProtected }
      })
  return [...of(clean, false), ...of(guarded, true)]
}

/** What the fixture twins.sql makes. */
export const RELATIONS: readonly (readonly [name: string, columns: readonly Column[]])[] = [
  [
    'people',
    columns(
      'id:int name:text score:int day:date extra:json labels:texts',
      'ssn:text card:text salary:num level:int born:date doc:json tags:texts feel:mood span:span house:home raw:bytes shout:text',
    ),
  ],
  ['orders', columns('id:int person_id:int item:text amount:num at:date', '')],
  ['events', columns('id:int kind:text', 'ssn:text')],
  ['events_low', columns('id:int kind:text', 'ssn:text')],
  ['v_people', columns('pid:int name:text', 'tax:text rank:int doc:json')],
  ['v_deep', columns('pid:int label:text item:text', 'tax:text')],
  ['m_people', columns('id:int name:text', 'tax:text')],
]
