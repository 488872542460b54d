import { canonical } from './canonical.ts'
import {
  type Asked,
  CLASSES,
  type ConnectionPolicy,
  type DetectRule,
  type MaskRule,
  type Need,
  type Policy,
  type PredicateRule,
  type Rule,
  USES,
} from './policy.ts'
import { waysOf } from './ways.ts'

/** `other`: neither can be said of it. */
export type Direction = 'looser' | 'stricter' | 'other'

/** What becomes of one part of the policy. */
export interface PartChange {
  readonly connection: string
  /** `rules.write`, `mask.people.ssn` */
  readonly part: string
  readonly how: Direction
  /** For people; null: it was not, or is not, there. */
  readonly before: string | null
  readonly after: string | null
}

/** All that differs in meaning between two policies; places and spelling are no meaning. */
export function comparePolicies(before: Policy, after: Policy): readonly PartChange[] {
  const names = [...new Set([...before.connections.keys(), ...after.connections.keys()])].sort()
  const { connections: _old, ...above } = before
  const { connections: _next, ...beside } = after
  const whole = entryChanges(above, beside).map((one) => ({ connection: '*', ...one }))
  return [...whole, ...names.flatMap((name) => compareNamed(name, before, after))]
}

function compareNamed(connection: string, before: Policy, after: Policy): readonly PartChange[] {
  const old = before.connections.get(connection)
  const next = after.connections.get(connection)
  if (old !== undefined && next !== undefined) return compareConnection(old, next)
  const whole = { connection, part: 'connection' } as const
  return old === undefined
    ? [{ ...whole, how: 'looser' as const, before: null, after: 'rules of its own' }]
    : [{ ...whole, how: 'stricter' as const, before: 'rules of its own', after: null }]
}

type Found = Omit<PartChange, 'connection'>

function compareConnection(old: ConnectionPolicy, next: ConnectionPolicy): readonly PartChange[] {
  const found = [
    ...groupChanges('request', old.request, next.request),
    ...groupChanges('see', old.see, next.see),
    ...CLASSES.flatMap((name) =>
      changed(`rules.${name}`, old.rules[name], next.rules[name], compareRules, ruleText),
    ),
    ...lineChanges(old, next),
    ...USES.flatMap((use) =>
      changed(
        `predicates.${use}`,
        old.predicates[use],
        next.predicates[use],
        comparePredicates,
        predicateText,
      ),
    ),
    ...coverChanges('mask', byName(old.mask, columnOf), byName(next.mask, columnOf)),
    ...coverChanges('detect', byName(old.detect, whatOf), byName(next.detect, whatOf)),
    ...entryChanges(restOf(old), restOf(next)),
  ]
  return found.map((one) => ({ connection: next.connection, ...one }))
}

function changed<T>(
  part: string,
  old: T,
  next: T,
  compare: (old: T, next: T) => Direction,
  text: (value: T) => string,
): readonly Found[] {
  if (canonical(old) === canonical(next)) return []
  return [{ part, how: compare(old, next), before: text(old), after: text(next) }]
}

function groupChanges(
  part: string,
  old: readonly string[],
  next: readonly string[],
): readonly Found[] {
  const more = next.some((group) => !old.includes(group))
  const fewer = old.some((group) => !next.includes(group))
  if (!more && !fewer) return []
  const how = more && fewer ? 'other' : more ? 'looser' : 'stricter'
  return [{ part, how, before: list(old), after: list(next) }]
}

const RANK = { allow: 0, hold: 1, deny: 2 } as const

/** Who must approve more, or others: no fewer persons of any group. */
function compareRules(old: Rule, next: Rule): Direction {
  if (old.decision !== next.decision) {
    return RANK[next.decision] > RANK[old.decision] ? 'stricter' : 'looser'
  }
  if (old.decision !== 'hold' || next.decision !== 'hold') return 'other'
  if (asks(next, old)) return 'stricter'
  return asks(old, next) ? 'looser' : 'other'
}

/** Does whatever is enough for `more` do for `fewer`, too? */
function asks(more: Asked, fewer: Asked): boolean {
  return waysOf(more).every((way) => waysOf(fewer).some((other) => covers(way, other)))
}

function covers(more: readonly Need[], fewer: readonly Need[]): boolean {
  return fewer.every(({ group, count }) =>
    more.some((need) => need.group === group && need.count >= count),
  )
}

function comparePredicates(old: PredicateRule, next: PredicateRule): Direction {
  if (old.decision !== 'allow' || next.decision !== 'allow') {
    return compareRules(ruleOf(old), ruleOf(next))
  }
  const [before, after] = [old, next].map(({ perSession }) => perSession ?? Infinity)
  return after! > before! ? 'looser' : 'stricter'
}

function ruleOf(rule: PredicateRule): Rule {
  return rule.decision === 'allow' ? { decision: 'allow' } : rule
}

/** Each line of `statements` only makes something stricter: one more is stricter, one less looser. */
function lineChanges(old: ConnectionPolicy, next: ConnectionPolicy): readonly Found[] {
  const texts = ({ statements }: ConnectionPolicy) =>
    statements.map(({ label: _label, ...line }) => canonical(line))
  const before = texts(old)
  const after = texts(next)
  const gone = without(before, after)
  const come = without(after, before)
  return [
    ...gone.map((line) => ({
      ...{ part: 'statements', how: 'looser' as const, before: lineText(line), after: null },
    })),
    ...come.map((line) => ({
      ...{ part: 'statements', how: 'stricter' as const, before: null, after: lineText(line) },
    })),
  ]
}

/** Without what it does not ask for. */
function lineText(line: string): string {
  return JSON.stringify(JSON.parse(line, (_, value) => value ?? undefined))
}

/** The same line may stand twice. */
function without(all: readonly string[], taken: readonly string[]): readonly string[] {
  const left = [...taken]
  return all.filter((line) => {
    const at = left.indexOf(line)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

type Cover = Pick<MaskRule, 'how' | 'last'>

function coverChanges(
  what: string,
  old: ReadonlyMap<string, Cover>,
  next: ReadonlyMap<string, Cover>,
): readonly Found[] {
  return [...new Set([...old.keys(), ...next.keys()])].flatMap((name) =>
    changed(`${what}.${name}`, old.get(name), next.get(name), compareCovers, coverText),
  )
}

/** What is left to be seen: nothing, which values are equal, or a part. */
function compareCovers(old: Cover | undefined, next: Cover | undefined): Direction {
  const [before, after] = [shown(old), shown(next)]
  return before === after ? 'other' : after > before ? 'looser' : 'stricter'
}

function shown(cover: Cover | undefined): number {
  if (cover === undefined) return 100
  if (cover.how === 'partial') return 10 + (cover.last ?? 0)
  return cover.how === 'hash' ? 1 : 0
}

/** Whatever else a policy says: that it differs, and how it reads. */
function entryChanges(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): readonly Found[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return keys.flatMap((key) =>
    changed(
      key,
      before[key],
      after[key],
      () => 'other',
      (value) => canonical(value) ?? '-',
    ),
  )
}

function restOf(policy: ConnectionPolicy): Readonly<Record<string, unknown>> {
  const { connection: _name, places: _places, request: _request, see: _see, ...more } = policy
  const { rules: _rules, statements: _statements, predicates: _predicates, ...rest } = more
  const { mask: _mask, detect: _detect, ...others } = rest
  return others
}

const columnOf = ({ column }: MaskRule) => column
const whatOf = ({ what }: DetectRule) => what

function byName<T extends Cover>(
  rules: readonly T[],
  name: (rule: T) => string,
): ReadonlyMap<string, Cover> {
  return new Map(rules.map((rule) => [name(rule), coverOf(rule)]))
}

function coverOf({ how, last }: Cover): Cover {
  return last === undefined ? { how } : { how, last }
}

function ruleText(rule: Rule): string {
  if (rule.decision === 'allow') return 'allow'
  if (rule.decision === 'deny') {
    return rule.reason === null ? 'deny' : `deny ${JSON.stringify(rule.reason)}`
  }
  const way = (needs: readonly Need[]) =>
    needs.map(({ group, count }) => `${count} of ${group}`).join(' and ')
  return `hold for ${waysOf(rule).map(way).join(', or ')}`
}

function predicateText(rule: PredicateRule): string {
  if (rule.decision !== 'allow') return ruleText(rule)
  return rule.perSession === null ? 'allow' : `allow ${rule.perSession} per session`
}

function coverText(cover: Cover | undefined): string {
  if (cover === undefined) return 'shown'
  return cover.how === 'partial' ? `the last ${cover.last}` : cover.how
}

function list(groups: readonly string[]): string {
  return groups.join(', ') || 'nobody'
}
