import { createHash } from 'node:crypto'
import type { Execution, Unit } from '../../protocol/pg/execution.ts'
import { graver, type StatementClass, type StatementFacts } from '../../protocol/pg/statement.ts'
import type { World } from '../policy/decide.ts'
import { describeUse, usesOf } from '../policy/predicates.ts'
import type { Secrets } from './secrets.ts'

/** What the digest of a request covers besides the unit itself. */
export interface Place {
  readonly connection: string
  readonly database: string
}

export interface DigestParts {
  /** SHA-256 of the data of a COPY FROM STDIN. */
  readonly spool: string | null
  /** Of what the names stand for at the target (Analyst.objects). */
  readonly objects: string
}

/**
 * SHA-256 over all that will run: where, in which schemas, which bytes, with which parameters,
 * which copied data, and what its names stand for.
 * Each field is preceded by its length, so that no two snapshots have the same bytes.
 */
export function digestOf(place: Place, unit: Unit, more: DigestParts): string {
  const hash = createHash('sha256')
  const field = (bytes: Buffer | string): void => {
    const length = Buffer.alloc(8)
    length.writeBigUInt64BE(BigInt(Buffer.byteLength(bytes)))
    hash.update(length).update(bytes)
  }
  field('hoop snapshot 1')
  field(place.connection)
  field(place.database)
  field(unit.searchPath.join('\0'))
  field(unit.text)
  for (const execution of unit.executions) {
    field(execution.text)
    field(execution.underlying ?? '')
    field(execution.types.join(','))
    field(execution.parameters?.bytes ?? '')
  }
  field(more.spool ?? '')
  field(more.objects)
  return hash.digest('hex')
}

/** The class of the whole: the strictest of its statements; what nobody understands is unknown. */
export function classOf(unit: Unit): StatementClass {
  const all = unit.executions.map((each) => each.facts)
  return all.every((facts) => facts !== null) ? strictestClass(all) : 'unknown'
}

/** All classes in it, for each has a rule of its own. */
export function classesOf(unit: Pick<Unit, 'executions'>): readonly StatementClass[] {
  return unit.executions.flatMap(({ facts }) =>
    facts?.understood === true ? [facts.class] : [facts?.class ?? 'unknown', 'unknown'],
  )
}

export function strictestClass(statements: readonly StatementFacts[]): StatementClass {
  return statements.map((facts) => facts.class).reduce(graver, 'read')
}

/** All that the approver reads: the text, and what a prepared statement or cursor in it stands for. */
export function statementText(unit: Unit, secrets: Secrets): string {
  const texts = textsOf(unit).map((text) =>
    secrets.redact(text, isUnderstood(unit)).toString('utf8'),
  )
  return texts.join('\n-- which runs:\n')
}

function textsOf({ text, executions }: Unit): readonly Buffer[] {
  const underlying = executions.flatMap((each) =>
    each.underlying === null || each.underlying.equals(each.text) ? [] : [each.underlying],
  )
  return [
    text,
    ...underlying.filter((each, at) => at === underlying.findIndex((o) => o.equals(each))),
  ]
}

function isUnderstood({ executions }: Unit): boolean {
  return executions.every((each) => each.facts !== null)
}

/** One sentence for the approver. */
export function effectOf(unit: Unit, world: World, secrets: Secrets): string {
  const parts = unit.executions.map((each) => effectOfOne(each, world))
  const counted = new Map<string, number>()
  for (const part of parts) counted.set(part, (counted.get(part) ?? 0) + 1)
  const said = [...counted].map(([part, times]) =>
    times === 1 ? part : `${part} (${times} times)`,
  )
  return [...said, ...notShown(unit, secrets)].join('; ')
}

/** Who approves must know that they do not see all of it. */
function notShown(unit: Unit, secrets: Secrets): string[] {
  const counts = textsOf(unit).map((text) => secrets.count(text, isUnderstood(unit)))
  const hidden = counts.reduce((sum, count) => sum + count, 0)
  if (hidden === 0) return []
  return [`${hidden} ${hidden === 1 ? 'secret' : 'secrets'} in it not shown: <redacted …>`]
}

function effectOfOne({ facts }: Execution, { isProtected, catalogue }: World): string {
  if (facts === null) return 'not understood: nobody can say what it does'
  const on = facts.writes.length > 0 ? ` on ${facts.writes.join(', ')}` : ''
  const all = facts.unbounded ? ', ALL rows (nothing bounds them)' : ''
  // Where it names what it writes, that says it all.
  const why = facts.why === '' || facts.writes.length > 0 ? '' : ` (${facts.why})`
  const uses = usesOf(facts, isProtected, catalogue).map((use) => `, ${describeUse(use)}`)
  const masked = uses.length > 0 ? `${uses.join('')} (masked)` : ''
  return `${facts.verb}${on}${all}${why}${masked}`
}

/** What of the facts is kept with the request, and the rule that held it. */
export function factsOf(unit: Unit, rule: string): unknown {
  return unit.executions.map(({ facts }) =>
    facts === null
      ? null
      : {
          class: facts.class,
          verb: facts.verb,
          reads: facts.reads,
          writes: facts.writes,
          functions: facts.functions.map((each) => each.name),
          unbounded: facts.unbounded,
          ddl: facts.ddl,
          why: facts.why,
          rule,
        },
  )
}
