/**
 * What running a query can do, found by walking over every node of its tree, whatever lineage
 * understands of it: so nothing hides in a corner. A node that is not listed makes it unknown.
 */

import type { CatalogueFunction } from '../catalogue.ts'
import { spend } from './budget.ts'
import { callOf, fillsRecords, specialCall } from './calls.ts'
import { casts, implicitCasts } from './casts.ts'
import { type Gathering, graver, type Scene } from './context.ts'
import { addCall, byArity, judgeFunction } from './functions.ts'
import { findFunctions } from './names.ts'
import { addOperator, impliedOperators } from './operators.ts'
import { addRelation, addTarget } from './relations.ts'
import { as, child, isTag, isTree, list, type Node, strings, type Tree, text } from './tree.ts'
import { addType } from './types.ts'

/** Nodes that do nothing by themselves; what is in them is walked. */
const INERT = new Set(
  `A_Const ParamRef A_Star A_Indices A_ArrayExpr BoolExpr NullTest BooleanTest CaseWhen
  CoalesceExpr MinMaxExpr RowExpr CollateClause SQLValueFunction XmlExpr XmlSerialize GroupingFunc
  SetToDefault CurrentOfExpr NamedArgExpr MultiAssignRef JsonObjectConstructor
  JsonArrayConstructor JsonArrayQueryConstructor JsonObjectAgg JsonArrayAgg JsonIsPredicate
  JsonFuncExpr JsonParseExpr JsonScalarExpr JsonSerializeExpr JsonTable JsonTableColumn
  JsonTablePathSpec JsonValueExpr JsonOutput JsonReturning JsonFormat JsonKeyValue JsonBehavior
  JsonArgument JsonAggConstructor RangeTableFunc RangeTableFuncCol RangeFunction RangeSubselect
  MergeSupportFunc ResTarget WindowDef List Integer Float Boolean String BitString
  CommonTableExpr WithClause GroupingSet Alias ColumnDef TypeName RangeVar OnConflictClause
  InferClause IndexElem MergeWhenClause ReturningClause ReturningOption DefElem`.split(/\s+/),
)

const MODIFIES: Readonly<Record<string, string>> = {
  InsertStmt: 'INSERT',
  UpdateStmt: 'UPDATE',
  DeleteStmt: 'DELETE',
  MergeStmt: 'MERGE',
}

interface Walk {
  readonly gathering: Gathering
  readonly ranges: Tree[]
  /** Ranges that are written, not read. */
  readonly targets: Map<Tree, { readonly reads: boolean }>
  /** Names of WITH: in scope or not, a relation of that name may be meant or not. */
  readonly ctes: Set<string>
}

export function effects(gathering: Gathering, root: Node): void {
  const walk = walkOf(gathering)
  enter(walk, root.type, root.body)
  finish(walk)
}

function walkOf(gathering: Gathering): Walk {
  return { gathering, ranges: [], targets: new Map(), ctes: new Set() }
}

/** Relations come last: a name of WITH may stand after its use. */
function finish(walk: Walk): void {
  const { gathering, ranges, targets, ctes } = walk
  for (const range of ranges) {
    const target = targets.get(range)
    if (target !== undefined) addTarget(gathering, range, target.reads)
    else addRelation(gathering, range, ctes)
  }
  for (const effect of implicitCasts(gathering.scene)) gathering.code(effect)
}

/** Effects of expressions outside of a query: parameters of EXECUTE, arguments of CALL. */
export function effectsOf(gathering: Gathering, values: readonly unknown[]): void {
  const walk = walkOf(gathering)
  visit(walk, values)
  finish(walk)
}

function visit(walk: Walk, value: unknown): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(walk, item)
  } else if (isTree(value)) {
    for (const key in value) {
      const inner = value[key]
      if (typeof inner !== 'object' || inner === null) continue
      if (isTag(key)) enter(walk, key, isTree(inner) ? inner : {})
      else field(walk, key, inner)
    }
  }
}

/** Structs that stand without a tag are known by the name of their field. */
function field(walk: Walk, key: string, inner: object): void {
  if (!isTree(inner)) return visit(walk, inner)
  if (key === 'typeName') addType(walk.gathering, inner)
  if (key === 'relation' && 'relname' in inner) {
    walk.ranges.push(inner)
    return
  }
  if ((key === 'larg' || key === 'rarg') && 'op' in inner) return enter(walk, 'SelectStmt', inner)
  if (key === 'intoClause') {
    walk.gathering.add({ class: 'ddl', why: 'SELECT INTO makes a table' })
    return
  }
  visit(walk, inner)
}

function enter(walk: Walk, type: string, body: Tree): void {
  spend(walk.gathering.scene.budget, 1)
  inspect(walk, type, body)
  visit(walk, body)
}

function inspect(walk: Walk, type: string, body: Tree): void {
  const { gathering } = walk
  switch (type) {
    case 'FuncCall':
      return call(gathering, body)
    case 'A_Expr':
    case 'SubLink':
    case 'CaseExpr':
    case 'JoinExpr':
    case 'SortBy':
      for (const name of impliedOperators(type, body)) {
        addOperator(gathering, name)
        // record #= hstore fills a record.
        if (name.at(-1) === '#=') fillsRecords(gathering)
      }
      return
    case 'TypeCast':
      for (const effect of casts(gathering.scene, child(body, 'typeName'))) gathering.code(effect)
      return
    case 'ColumnRef':
      gathering.columnRefs.push(body)
      return notation(gathering, strings(list(body, 'fields'))?.slice(1) ?? [])
    case 'A_Indirection':
      return notation(gathering, fieldNames(body))
    case 'SelectStmt':
      if (list(body, 'lockingClause').length > 0) {
        gathering.add({ class: 'write', why: 'locks the rows that it reads' })
      }
      return
    case 'CommonTableExpr':
      walk.ctes.add(text(body, 'ctename'))
      return
    case 'RangeVar':
      walk.ranges.push(body)
      return
    case 'TypeName':
      return addType(gathering, body)
    case 'RangeTableSample':
      return sample(gathering, body)
    default:
      return other(walk, type, body)
  }
}

function other(walk: Walk, type: string, body: Tree): void {
  const verb = MODIFIES[type]
  if (verb !== undefined) {
    const target = child(body, 'relation')
    if (target !== null) walk.targets.set(target, { reads: readsTarget(type, body) })
    if (isUnbounded(type, body)) walk.gathering.reach.unbounded = true
    walk.gathering.add({ class: 'write', why: `${verb} changes data` })
  } else if (!INERT.has(type)) {
    walk.gathering.add({ class: 'unknown', why: `hoop does not know the node ${type}` })
  }
}

/** An INSERT without ON CONFLICT and RETURNING looks at no row of its target. */
function readsTarget(type: string, body: Tree): boolean {
  const shows = list(body, 'returningList').length > 0 || child(body, 'returningClause') !== null
  return type !== 'InsertStmt' || shows || child(body, 'onConflictClause') !== null
}

/** No condition, or one that looks at no column: WHERE true. */
function isUnbounded(type: string, body: Tree): boolean {
  if (type !== 'UpdateStmt' && type !== 'DeleteStmt') return false
  return !names(body['whereClause'])
}

function names(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(names)
  if (!isTree(value)) return false
  return 'ColumnRef' in value || 'CurrentOfExpr' in value || Object.values(value).some(names)
}

function call(gathering: Gathering, body: Tree): void {
  const found = callOf(body)
  if (found === null)
    return gathering.add({ class: 'unknown', why: 'calls something without a name' })
  const candidates = byArity(findFunctions(gathering.scene, found.names), found.given)
  if (candidates.length === 0) return castNotation(gathering, found.names, found.given)
  if (!specialCall(gathering, found, candidates)) addCall(gathering, candidates)
}

/** `int4(x)` is a cast where no function has the name. */
function castNotation(gathering: Gathering, names: readonly string[], given: number | null): void {
  const type: Tree = { names: names.map((sval) => ({ String: { sval } })) }
  if (given !== 1) return gathering.add({ class: 'unknown', why: missing(names) })
  const before = gathering.class
  addType(gathering, type)
  if (graver(before, 'unknown') === before || gathering.class !== 'unknown') {
    for (const effect of casts(gathering.scene, type)) gathering.code(effect)
  }
}

function missing(names: readonly string[]): string {
  return `the function ${names.join('.')}() is not in the target's catalogue`
}

/** `(x).f` and `x.f` call f(x) where x has no field f (parse_func.c, ParseFuncOrColumn). */
function notation(gathering: Gathering, names: readonly string[]): void {
  const { scene } = gathering
  for (const name of names) {
    if (!scene.catalogue.functionsByName.has(name)) continue
    const candidates = findFunctions(scene, [name]).filter(
      (fn) => fn.arguments >= 1 && fn.arguments - fn.defaults <= 1,
    )
    const meant = candidates.filter((fn) =>
      fn.builtin ? judgeFunction(scene, fn) !== null : takesRows(scene, fn),
    )
    addCall(gathering, meant)
  }
}

function takesRows(scene: Scene, fn: CatalogueFunction): boolean {
  const kind = scene.catalogue.types.get(fn.argumentTypes[0] ?? 0)?.kind
  return kind !== 'base' || fn.extension === null
}

function fieldNames(body: Tree): string[] {
  return list(body, 'indirection').flatMap((item) => {
    const name = as(item, 'String')
    return name === null ? [] : [text(name, 'sval')]
  })
}

/** A method is a function of its name; users could make one, initdb made two. */
function sample(gathering: Gathering, body: Tree): void {
  const name = strings(list(body, 'method'))?.at(-1) ?? ''
  if (!/^(bernoulli|system|system_rows|system_time)$/.test(name)) {
    gathering.add({ class: 'unknown', why: `hoop does not know the sampling method ${name}` })
  }
}
