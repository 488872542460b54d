/** Protected values, row by row; what is NULL is so on both sides, for masks do not hide that. */

/**
 * `open`: the values differ in every way. `alike`: masks that show a part show the same. `hashed`: the
 * same values are equal on both sides.
 */
export type World = 'open' | 'alike' | 'hashed'
export const WORLDS = ['open', 'alike', 'hashed'] as const satisfies readonly World[]
export const SIDES = ['left', 'right'] as const
export type Side = (typeof SIDES)[number]

export interface Row {
  readonly ssn: string | null
  readonly card: string | null
  readonly salary: string | null
  readonly level: string | null
  readonly born: string | null
  readonly doc: string | null
  readonly tags: string | null
  readonly feel: string | null
  readonly span: string | null
  readonly house: string | null
  readonly raw: string | null
}

const NULLS: Row = {
  ...{ ssn: null, card: null, salary: null, level: null, born: null, doc: null },
  ...{ tags: null, feel: null, span: null, house: null, raw: null },
}

function row(
  ...[ssn, card, salary, level, born, doc, tags, feel, span, house, raw]: readonly string[]
): Row {
  return {
    ssn: ssn ?? '',
    card: card ?? '',
    salary: salary ?? '0',
    level: level ?? '0',
    born: born ?? '2000-01-01',
    doc: doc ?? '{}',
    tags: tags ?? '{t}',
    feel: feel ?? 'mid',
    span: span ?? '[1,5)',
    house: house ?? '(1,street)',
    raw: raw ?? '\\x0102',
  }
}

/** Of `left` and `right` together: both have the same rows. */
function both(...pairs: readonly (readonly [Row, Row])[]): Record<Side, readonly Row[]> {
  return { left: pairs.map(([one]) => one), right: pairs.map(([, other]) => other) }
}

const NOTHING: readonly [Row, Row] = [NULLS, NULLS]

const VALUES = {
  open: both(
    [
      row('078-05-1120', '4111111111111111', '91000', '3', '1970-01-01', '{"a": 1, "b": [1, 2]}'),
      row('999-99-9999 etc', 'x', '17.25', '0', '2020-02-29', '{"z": null}', '{{a},{b}}'),
    ],
    [
      row('12', '12', '0', '1', '1999-12-31', '[1, 2, 3]', '{}', 'low', 'empty', '(1,)', '\\x00'),
      row('078-05-1120', '{"a": 1}', 'NaN', '5', '1970-01-01', '{}', '{p}', 'high', '[7,70)'),
    ],
    [
      row('123456789', '5', '-5', '0', '2001-02-03', '"text"', '{x,y,z}', 'high', '[1,)'),
      row('(', '[', '3', '2', '1582-10-15', '12', '{}', 'low', 'empty', '(5,"a b")', '\\x'),
    ],
    NOTHING,
    [
      row('', 'é', '1e20', '2147483647', '0001-01-01', 'null', '{1}', 'mid', '[3,4)', '(,x)'),
      row('%\\', '1,2', '0.0001', '-2147483648', '-infinity', 'true', '{0,-1}', 'high', '(,)'),
    ],
    [
      row('abc', '2024-01-01', '1', '-1', 'infinity', '{"a": {"b": "c"}}', '{a,NULL}', 'low'),
      row('12', '9'.repeat(40), '1e-20', '1', '1999-12-31', '[[], {}]', '{a,b,c,d,e}', 'mid'),
    ],
  ),
  alike: both(
    [
      row('078-05-1120', '4111111111111111', '91000', '3', '1970-01-01', '{"a": 1, "b": [1, 2]}'),
      row('xyz/ab)1120', '9876543210987611', '17.25', '0', '2020-02-29', '{"z": null}'),
    ],
    [
      row('123-45-6789', '5555555555554444', '12', '1', '1999-12-31', '[1, 2, 3]'),
      row('219-09-6789', `${'['.repeat(14)}44`, 'NaN', '5', '1970-01-01', '{}', '{p}', 'high'),
    ],
    [
      row('111111111', '12', '0', '0', '2001-02-03', '"text"', '{x,y,z}', 'high', '[1,)'),
      row('222221111', '02', '3', '2', '1582-10-15', '12', '{}', 'low', 'empty'),
    ],
    NOTHING,
    [
      row('1', '', '1e20', '2147483647', '0001-01-01', 'null', '{1}', 'mid', '[3,4)', '(,x)'),
      row('(', '', '0.0001', '-2147483648', '-infinity', 'true', '{0,-1}', 'high', '(,)'),
    ],
    [
      row('zébra 1', 'ab', '1', '-1', 'infinity', '{"a": {"b": "c"}}', '{a,NULL}', 'low'),
      row('0é23a 1', 'cb', '1e-20', '1', '1999-12-31', '[[], {}]', '{a,b,c,d,e}', 'mid'),
    ],
  ),
}

export const PEOPLE: Readonly<Record<World, Readonly<Record<Side, readonly Row[]>>>> = {
  ...VALUES,
  hashed: VALUES.open,
}

export const COLUMNS = Object.keys(NULLS) as readonly (keyof Row)[]

const REDACTED = new Map(COLUMNS.map((column) => [`people.${column}`, 'redact']))

export const MASKS: Readonly<Record<World, ReadonlyMap<string, string>>> = {
  open: new Map([...REDACTED, ['events.ssn', 'redact']]),
  alike: new Map([
    ...REDACTED,
    ['people.ssn', '{ partial: { last: 4 } }'],
    ['people.card', '{ partial: { last: 2 } }'],
    ['people.tags', "'null'"],
    ['people.raw', "'null'"],
    ['events.ssn', "'null'"],
  ]),
  hashed: new Map([...REDACTED, ['people.ssn', 'hash'], ['events.ssn', 'hash']]),
}
