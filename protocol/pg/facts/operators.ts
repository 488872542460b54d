/** Operators are function calls without a name in the tree; some are not even written. */
import type { Gathering, Scene } from './context.ts'
import { judgeFunction, usage } from './functions.ts'
import { qualified } from './names.ts'
import { flag, list, strings, type Tree, text } from './tree.ts'
import { isTrusted } from './trusted.ts'

const EQUALS = [['=']]
const BETWEEN: Readonly<Record<string, string[][]>> = {
  AEXPR_BETWEEN: [['>='], ['<=']],
  AEXPR_NOT_BETWEEN: [['<'], ['>']],
  AEXPR_BETWEEN_SYM: [['>='], ['<=']],
  AEXPR_NOT_BETWEEN_SYM: [['<'], ['>']],
}

/** Names of the operators that this node runs (parse_expr.c), schema first where it is given. */
export function impliedOperators(type: string, body: Tree): readonly (readonly string[])[] {
  if (type === 'A_Expr') return ofExpression(body)
  if (type === 'SubLink') return ofSubLink(body)
  if (type === 'CaseExpr') return body['arg'] === undefined ? [] : EQUALS
  if (type === 'SortBy') return written(list(body, 'useOp'))
  return flag(body, 'isNatural') || list(body, 'usingClause').length > 0 ? EQUALS : []
}

function ofExpression(body: Tree): readonly (readonly string[])[] {
  const kind = text(body, 'kind')
  const between = BETWEEN[kind]
  if (between !== undefined) return between
  return kind === 'AEXPR_DISTINCT' || kind === 'AEXPR_NOT_DISTINCT' || kind === 'AEXPR_NULLIF'
    ? EQUALS
    : [strings(list(body, 'name')) ?? ['?']]
}

function ofSubLink(body: Tree): readonly (readonly string[])[] {
  const type = text(body, 'subLinkType')
  if (type !== 'ANY_SUBLINK' && type !== 'ALL_SUBLINK' && type !== 'ROWCOMPARE_SUBLINK') return []
  const names = written(list(body, 'operName'))
  return names.length > 0 ? names : EQUALS
}

function written(names: readonly unknown[]): string[][] {
  return names.length === 0 ? [] : [strings(names) ?? ['?']]
}

export function addOperator(gathering: Gathering, names: readonly string[]): void {
  const { catalogue, memo, path } = gathering.scene
  const name = names.at(-1) ?? '?'
  const schema = names.length > 1 ? names.at(-2)! : null
  const made = (memo.operators.get(name) ?? []).filter((operator) =>
    schema === null ? path.includes(operator.schema) : operator.schema === schema,
  )
  for (const operator of made) addFunction(gathering, operator.function, name)
  if (made.length === 0 && !catalogue.builtinOperators.has(name)) {
    gathering.add({ class: 'unknown', why: `hoop does not know the operator ${name}` })
  }
}

function addFunction(gathering: Gathering, oid: number, operator: string): void {
  const fn = gathering.scene.catalogue.functions.get(oid)
  if (fn === undefined) {
    return gathering.add({ class: 'unknown', why: `hoop does not know the operator ${operator}` })
  }
  const effect = judgeFunction(gathering.scene, fn)
  if (effect === null) return
  gathering.functions.set(qualified(fn), usage(fn, false))
  gathering.reach.opaque = true
  gathering.add({ class: effect.class, why: `the operator ${operator} ${effect.why}` })
}

/** True: an operator of this name may be one that runs users' code, so its result may be anything. */
export function judgedOperators(scene: Scene, names: readonly string[]): boolean {
  const made = scene.memo.operators.get(names.at(-1) ?? '')
  if (made === undefined) return false
  return made.some((operator) => {
    const fn = scene.catalogue.functions.get(operator.function)
    return fn === undefined || !isTrusted(fn)
  })
}
