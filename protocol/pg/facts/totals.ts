/**
 * Functions and operators of PostgreSQL that give a value for whatever they are given, or for some
 * types and constants of their arguments: how often they fail does not tell what they are given.
 */
import type { Catalogue } from '../catalogue.ts'
import type { Value } from './lineage-types.ts'

/** An argument: what is known of its type, and its text if it is a constant. */
export interface Operand {
  readonly value: Value
  /** undefined = no constant; null = NULL. */
  readonly constant: string | null | undefined
}

type Rule = (operands: readonly Operand[], types: Catalogue['types']) => boolean

/** OIDs of pg_type.dat, which are fixed. */
const TEXTS: ReadonlySet<number> = new Set([25, 1043, 1042, 19])
const INTEGERS: ReadonlySet<number> = new Set([20, 21, 23])
export const NUMERIC = 1700
export const BOOLEAN = 16
const JSON_TEXT = 114
const FLOATS: ReadonlySet<number> = new Set([700, 701])
const TIMESTAMPS: ReadonlySet<number> = new Set([1082, 1114, 1184])

const always: Rule = () => true

export function isText({ type }: Value): boolean {
  return type !== undefined && TEXTS.has(type)
}

function isInteger({ type }: Value): boolean {
  return type !== undefined && INTEGERS.has(type)
}

function isNumeric({ type }: Value): boolean {
  return type === NUMERIC || (type !== undefined && INTEGERS.has(type))
}

/** Numbers become one of these, or fail, when the statement is planned. */
export function isNumber(type: number): boolean {
  return INTEGERS.has(type) || type === NUMERIC || FLOATS.has(type) || type === BOOLEAN
}

/** XML and others write it as it is, without limits. */
export function isPrintable(value: Value): boolean {
  return isText(value) || isNumeric(value)
}

/** Surely no array: of arrays of arrays the shapes must agree. */
export function isSingle({ type }: Value, types: Catalogue['types']): boolean {
  const found = types.get(type ?? 0)
  if (found === undefined) return false
  return found.kind === 'enum' || (found.kind === 'base' && found.element === 0)
}

/** The text of a json value is looked at again when it becomes jsonb. */
function hasNoJson({ value }: Operand): boolean {
  if (value.row !== null) return value.row.every((one) => hasNoJson({ value: one, constant: '' }))
  return value.type !== JSON_TEXT
}

const noJson: Rule = (operands) => operands.every(hasNoJson)

function matches(operand: Operand | undefined, pattern: RegExp): boolean {
  return typeof operand?.constant === 'string' && pattern.test(operand.constant)
}

/** From the second argument on nothing but constants like this. */
function rest(pattern: RegExp): Rule {
  return ([, ...others]) => others.every((one) => matches(one, pattern))
}

const SMALL = /^[1-9]\d{0,3}$/

/** Regular expressions that both PostgreSQL and we take for valid: no escapes, classes or look-around. */
export function isSafePattern(pattern: string): boolean {
  if (!/^[\w .,;:@^$*+?|()[\]-]*$/.test(pattern) || /\[\^?\]|\(\?|[*+?]{2}/.test(pattern))
    return false
  try {
    return new RegExp(pattern).source !== ''
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

function isSafe(operand: Operand | undefined): boolean {
  return typeof operand?.constant === 'string' && isSafePattern(operand.constant)
}

const regexp: Rule = ([, pattern]) => isSafe(pattern)
const regexpReplace: Rule = ([, pattern, by, flags]) =>
  isSafe(pattern) && by !== undefined && (flags === undefined || matches(flags, /^[gi]*$/))

const substring: Rule = ([, from, count]) => {
  const isPlace = from !== undefined && (matches(from, /^\d+$/) || isInteger(from.value))
  return isPlace ? count === undefined || matches(count, /^\d{1,9}$/) : isSafe(from) && !count
}

const objects: Rule = (operands) =>
  operands.every(hasNoJson) &&
  operands.length % 2 === 0 &&
  operands.every((one, index) => index % 2 === 1 || typeof one.constant === 'string')

const numbers: Rule = ([one]) => one !== undefined && isNumeric(one.value)
const singles: Rule = ([one], types) => one !== undefined && isSingle(one.value, types)

const FIELD = /^(year|month|day|dow|doy|quarter|week|isodow|isoyear|decade|century|epoch)$/i
const extract: Rule = ([field, from]) =>
  matches(field, FIELD) && TIMESTAMPS.has(from?.value.type ?? 0)

const absolute: Rule = ([one]) => one?.value.type === NUMERIC || FLOATS.has(one?.value.type ?? 0)

const toChar: Rule = ([one, format]) =>
  one !== undefined &&
  (isNumeric(one.value) || [1114, 1184].includes(one.value.type ?? 0)) &&
  matches(format, /^[^vV"\\]*$/)

/** Lists of blank-separated names, with what must be so. */
const FUNCTIONS: readonly (readonly [names: string, rule: Rule])[] = [
  [
    `lower upper initcap char_length character_length octet_length bit_length md5 sha224 sha256
    sha384 sha512 reverse btrim ltrim rtrim left right strpos position replace translate concat
    concat_ws quote_literal quote_nullable quote_ident ascii starts_with string_to_array
    array_to_string hashtext hashtextextended pg_typeof num_nulls num_nonnulls cardinality
    array_ndims array_dims array_upper array_lower array_length to_json json_build_array
    row_to_json json_typeof jsonb_typeof json_strip_nulls jsonb_strip_nulls jsonb_pretty
    json_extract_path json_extract_path_text jsonb_extract_path jsonb_extract_path_text
    pg_column_size isempty lower_inc upper_inc lower_inf upper_inf range_merge min max string_agg
    count json_agg bool_and bool_or every bit_and bit_or bit_xor mode first_value last_value
    row_number rank dense_rank percent_rank cume_dist any_value scale sign ceil ceiling floor
    round trunc xmlagg range_agg range_intersect_agg similarity soundex`,
    always,
  ],
  ['length', (operands) => operands.length === 1],
  ['to_jsonb jsonb_build_array jsonb_agg', noJson],
  ['json_build_object jsonb_build_object', objects],
  ['substr substring', substring],
  ['split_part', ([, , field]) => matches(field, SMALL)],
  ['repeat lpad rpad', ([, count]) => matches(count, SMALL)],
  ['regexp_replace', regexpReplace],
  ['regexp_match regexp_split_to_array regexp_substr regexp_like regexp_count', regexp],
  ['to_char', toChar],
  ['extract date_part', extract],
  ['sum avg stddev stddev_pop stddev_samp variance var_pop var_samp', numbers],
  ['abs', absolute],
  ['array_agg', singles],
  ['lag lead nth_value', rest(SMALL)],
  ['ntile', ([buckets]) => matches(buckets, SMALL)],
  ['percentile_disc', ([fraction]) => matches(fraction, /^(0(\.\d+)?|\.\d+|1)$/)],
  ['encode', rest(/^(hex|base64|escape)$/)],
  ['convert_to', rest(/^utf-?8$/i)],
  ['digest', rest(/^(md5|sha1|sha224|sha256|sha384|sha512)$/)],
  ['format', ([format]) => matches(format, /^([^%]|%s|%L|%%)*$/)],
  [
    'pg_input_is_valid',
    rest(/^(int|int4|int8|integer|bigint|numeric|date|text|uuid|bool|jsonb?)$/),
  ],
]

const BY_NAME: ReadonlyMap<string, Rule> = new Map(
  FUNCTIONS.flatMap(([names, rule]) => names.split(/\s+/).map((name) => [name, rule] as const)),
)

/** Of functions that PostgreSQL or a known extension wrote. */
export function isTotalFunction(
  name: string,
  operands: readonly Operand[],
  types: Catalogue['types'],
): boolean {
  return BY_NAME.get(name)?.(operands, types) ?? false
}

const COMPARISONS: ReadonlySet<string> = new Set(
  '= <> != < > <= >= && @> <@ ? ?| ?& ^@ << >> &< &> -|-'.split(' '),
)
const PATHS: ReadonlySet<string> = new Set(['->', '->>', '#>', '#>>'])
const LIKES: ReadonlySet<string> = new Set(['~~', '!~~', '~~*', '!~~*'])
const PATTERNS: ReadonlySet<string> = new Set(['~', '!~', '~*', '!~*'])

/** The type of the result where it is known and of use; null = it may fail. */
export function totalOperator(
  name: string,
  left: Operand | null,
  right: Operand,
): { readonly type?: number } | null {
  if (COMPARISONS.has(name)) return { type: BOOLEAN }
  if (name === '->>' || name === '#>>') return { type: 25 }
  if (PATHS.has(name)) return {}
  if (LIKES.has(name)) return matches(right, /^[^\\]*$/) ? { type: BOOLEAN } : null
  if (PATTERNS.has(name)) return isSafe(right) ? { type: BOOLEAN } : null
  if (left === null) return null
  if (name === '||') return joinsText(left, right) ? { type: 25 } : null
  return isPlainSum(name, left, right) ? { type: left.value.type ?? NUMERIC } : null
}

/** One is text: the other is one, or a literal. */
function joinsText(left: Operand, right: Operand): boolean {
  const isOne = ({ value, constant }: Operand): boolean => isText(value) || constant !== undefined
  return (isText(left.value) || isText(right.value)) && isOne(left) && isOne(right)
}

/**
 * A column and a number that cannot take it over the edge. One step alone: many small ones would
 * find the edge.
 */
function isPlainSum(name: string, { value }: Operand, right: Operand): boolean {
  if (!value.plain || !matches(right, /^\d{1,9}(\.\d{1,9})?$/)) return false
  const isZero = matches(right, /^[0.]+$/)
  if (name === '/' || name === '%') return isNumeric(value) && !isZero
  return value.type === NUMERIC && ['+', '-', '*'].includes(name)
}

/** May a value of this type always become one of that? */
export function isTotalCast(from: number | undefined, to: number): boolean {
  if (TEXTS.has(to) || from === to) return true
  if (from === undefined || !INTEGERS.has(from)) return false
  if (to === NUMERIC || FLOATS.has(to)) return true
  const order = [21, 23, 20]
  return order.indexOf(to) >= order.indexOf(from)
}
