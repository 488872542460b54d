/** What an output column without AS is called: FigureColname in parse_target.c, case by case. */
import { as, child, list, type Node, node, strings, type Tree, text } from './tree.ts'

/** 0 = nothing to say, 1 = a name that a better one beats, 2 = a good name. */
type Guess = readonly [strength: 0 | 1 | 2, name: string]

const NOTHING: Guess = [0, '?column?']

export function columnName(target: unknown): string {
  return guess(target)[1]
}

function guess(value: unknown): Guess {
  const found = node(value)
  return found === null ? NOTHING : guessNode(found)
}

function guessNode({ type, body }: Node): Guess {
  switch (type) {
    case 'ColumnRef':
      return lastName(list(body, 'fields'))
    case 'A_Indirection': {
      const field = lastName(list(body, 'indirection'))
      return field[0] > 0 ? field : guess(body['arg'])
    }
    case 'FuncCall':
      return [2, strings(list(body, 'funcname'))?.at(-1) ?? '?column?']
    case 'A_Expr':
      return text(body, 'kind') === 'AEXPR_NULLIF' ? [2, 'nullif'] : NOTHING
    case 'TypeCast':
      return cast(body)
    case 'CollateClause':
      return guess(body['arg'])
    case 'SubLink':
      return subLink(body)
    case 'CaseExpr': {
      const last = guess(body['defresult'])
      return last[0] > 1 ? last : [1, 'case']
    }
    default:
      return fixed(type, body)
  }
}

function lastName(fields: readonly unknown[]): Guess {
  const names = fields.flatMap((field) => {
    const name = as(field, 'String')
    return name === null ? [] : [text(name, 'sval')]
  })
  const last = names.at(-1)
  return last === undefined ? NOTHING : [2, last]
}

function cast(body: Tree): Guess {
  const argument = guess(body['arg'])
  if (argument[0] > 1) return argument
  const type = child(body, 'typeName')
  const name = type === null ? undefined : strings(list(type, 'names'))?.at(-1)
  return name === undefined ? argument : [1, name]
}

function subLink(body: Tree): Guess {
  const type = text(body, 'subLinkType')
  if (type === 'EXISTS_SUBLINK') return [2, 'exists']
  if (type === 'ARRAY_SUBLINK') return [2, 'array']
  if (type !== 'EXPR_SUBLINK') return NOTHING
  const target = as(list(as(body['subselect'], 'SelectStmt') ?? {}, 'targetList')[0], 'ResTarget')
  if (target === null) return NOTHING
  const name = text(target, 'name')
  return name === '' ? guess(target['val']) : [2, name]
}

const NAMES: Readonly<Record<string, string>> = {
  GroupingFunc: 'grouping',
  MergeSupportFunc: 'merge_action',
  A_ArrayExpr: 'array',
  RowExpr: 'row',
  CoalesceExpr: 'coalesce',
  XmlSerialize: 'xmlserialize',
  JsonParseExpr: 'json',
  JsonScalarExpr: 'json_scalar',
  JsonSerializeExpr: 'json_serialize',
  JsonObjectConstructor: 'json_object',
  JsonArrayConstructor: 'json_array',
  JsonArrayQueryConstructor: 'json_array',
  JsonObjectAgg: 'json_objectagg',
  JsonArrayAgg: 'json_arrayagg',
}

const BY_OP: Readonly<Record<string, string>> = {
  IS_GREATEST: 'greatest',
  IS_LEAST: 'least',
  IS_XMLCONCAT: 'xmlconcat',
  IS_XMLELEMENT: 'xmlelement',
  IS_XMLFOREST: 'xmlforest',
  IS_XMLPARSE: 'xmlparse',
  IS_XMLPI: 'xmlpi',
  IS_XMLROOT: 'xmlroot',
  JSON_EXISTS_OP: 'json_exists',
  JSON_QUERY_OP: 'json_query',
  JSON_VALUE_OP: 'json_value',
  SVFOP_CURRENT_DATE: 'current_date',
  SVFOP_CURRENT_TIME: 'current_time',
  SVFOP_CURRENT_TIME_N: 'current_time',
  SVFOP_CURRENT_TIMESTAMP: 'current_timestamp',
  SVFOP_CURRENT_TIMESTAMP_N: 'current_timestamp',
  SVFOP_LOCALTIME: 'localtime',
  SVFOP_LOCALTIME_N: 'localtime',
  SVFOP_LOCALTIMESTAMP: 'localtimestamp',
  SVFOP_LOCALTIMESTAMP_N: 'localtimestamp',
  SVFOP_CURRENT_ROLE: 'current_role',
  SVFOP_CURRENT_USER: 'current_user',
  SVFOP_USER: 'user',
  SVFOP_SESSION_USER: 'session_user',
  SVFOP_CURRENT_CATALOG: 'current_catalog',
  SVFOP_CURRENT_SCHEMA: 'current_schema',
}

function fixed(type: string, body: Tree): Guess {
  const name = NAMES[type] ?? BY_OP[text(body, 'op')]
  return name === undefined ? NOTHING : [2, name]
}
