import type { PredicateUse, StatementClass } from '../../protocol/pg/statement.ts'
import { parseColumn, parseTable, showColumn } from './columns.ts'
import {
  checkDocument,
  Document,
  type Fault,
  FaultyFile,
  type Path,
  sortFaults,
} from './document.ts'
import {
  type Asked,
  CLASSES,
  type Condition,
  type ConnectionPolicy,
  DETECTORS,
  type DetectRule,
  type MaskRule,
  type Need,
  type Policy,
  type PredicateRule,
  type Rule,
  type StatementRule,
  USES,
} from './policy.ts'
import { type PolicyFile, policyFile } from './schema.ts'
import { breakGlassRule, escalations, onCallOf, reminder, windowRule } from './time.ts'
import { combinations, MOST_WAYS, waysOf } from './ways.ts'

type RawConnection = PolicyFile['connections'][string]
type RawRule = NonNullable<RawConnection['rules'][StatementClass]>
type RawHold = Extract<RawRule, { hold: unknown }>['hold']
type RawStatement = NonNullable<RawConnection['statements']>[number]
type RawPredicates = RawConnection['predicates']
type RawPredicate = NonNullable<Extract<RawPredicates, object>['equality']>
type RawMask = NonNullable<RawConnection['mask']>[string]
type RawDetect = NonNullable<RawConnection['detect']>

/** The policy of a file's text, or FaultyFile with everything that is wrong with it. */
export function parsePolicy(text: string, file: string): Policy {
  const { policy, faults } = readPolicy(new Document(text, file))
  if (policy === null) throw new FaultyFile('bad_policy', faults)
  return policy
}

/** Everything that is wrong with it; `[]` when nothing is. */
export function policyFaults(text: string, file: string): readonly Fault[] {
  return readPolicy(new Document(text, file)).faults
}

/** The policy that stands at `base` of a document: at its top, or inline in a configuration. */
export function readPolicy(
  document: Document,
  base: Path = [],
): { readonly policy: Policy | null; readonly faults: readonly Fault[] } {
  const { value, faults } = checkDocument(document, policyFile, base)
  if (value === null) return { policy: null, faults }
  const more = Object.entries(value.connections).flatMap(([name, raw]) =>
    crossFaults(document, [...base, 'connections', name], raw),
  )
  if (more.length) return { policy: null, faults: sortFaults(more) }
  const entries = Object.entries(value.connections)
  return {
    policy: {
      onCall: onCallOf(value.on_call),
      connections: new Map(
        entries.map(([name, raw]) => {
          const path = [...base, 'connections', name]
          return [name, connection(name, raw, placesOf(document, path, name, raw))]
        }),
      ),
    },
    faults: [],
  }
}

/** What the schema cannot say: the same group or column, named twice. */
function crossFaults(document: Document, path: Path, raw: RawConnection): readonly Fault[] {
  const faults: Fault[] = []
  for (const name of CLASSES) {
    const twice = repeatedIn(askedBy(raw.rules[name]))
    const at = [...path, 'rules', name]
    if (twice) faults.push(document.fault(at, `the group ${twice} is named twice: say count: 2`))
  }
  faults.push(...statementFaults(document, [...path, 'statements'], raw))
  if (combinations(heldIn(raw)) > MOST_WAYS) {
    const message = `together these rules can be approved in more than ${MOST_WAYS} ways: name fewer in any`
    faults.push(document.faultAtKey([...path, 'rules'], message))
  }
  const seen = new Set<string>()
  for (const key of Object.keys(raw.mask ?? {})) {
    const column = showColumn(parseColumn(key)!)
    const at = [...path, 'mask', key]
    if (seen.has(column)) faults.push(document.faultAtKey(at, `${column} has a rule already`))
    seen.add(column)
  }
  return faults
}

function statementFaults(document: Document, path: Path, raw: RawConnection): readonly Fault[] {
  const fallback = heldBy(rulesOf(raw.rules))
  return (raw.statements ?? []).flatMap((one, index) => {
    const at = [...path, index]
    if ((one.deny === undefined) === (one.hold === undefined)) {
      return [document.fault(at, 'write deny or hold: one of the two')]
    }
    if (Object.keys(one.deny ?? one.hold ?? {}).length === 0) {
      const what = 'say what the statement does: {ddl: drop} or {writes: orders}'
      return [document.fault([...at, one.deny === undefined ? 'hold' : 'deny'], what)]
    }
    if (one.deny !== undefined && one.by !== undefined) {
      return [
        document.faultAtKey([...at, 'by'], 'by says whose approval is needed: it goes with hold'),
      ]
    }
    const twice = one.by === undefined ? null : repeatedIn(asked(one.by))
    if (twice)
      return [document.fault([...at, 'by'], `the group ${twice} is named twice: say count: 2`)]
    if (one.hold === undefined || one.by !== undefined || fallback.needs.length > 0) return []
    return [document.fault([...at, 'hold'], 'nobody is named who could approve it: add by: [dba]')]
  })
}

/** Who approves what a line of `statements` holds without a name: who approves the rest. */
function heldBy(rules: ConnectionPolicy['rules']): Asked {
  const held = [rules.write, rules.ddl, rules.admin, rules.unknown]
  return held.find((one) => one.decision === 'hold') ?? NOBODY
}

const NOBODY: Asked = { needs: [], alternatives: [] }

/** All that any rule of the connection asks: a text may meet every one of them. */
function heldIn(raw: RawConnection): readonly Asked[] {
  const rules = Object.values(rulesOf(raw.rules))
  const uses = Object.values(predicatesOf(raw.predicates))
  const lines = (raw.statements ?? []).flatMap(({ by }) => (by === undefined ? [] : [asked(by)]))
  return [...[...rules, ...uses].filter((one) => one.decision === 'hold'), ...lines]
}

function connection(
  name: string,
  raw: RawConnection,
  places: ReadonlyMap<string, string>,
): ConnectionPolicy {
  const rules = rulesOf(raw.rules)
  return {
    connection: name,
    request: raw.request,
    see: raw.see ?? [],
    separate: (raw.separate ?? []).map((one) => ({ groups: one.groups, mayNot: one.may_not })),
    rules,
    statements: (raw.statements ?? []).map((one, index) =>
      statementRule(`${name}.statements[${index}]`, one, heldBy(rules)),
    ),
    predicates: predicatesOf(raw.predicates),
    places,
    windows: windowRule(raw.windows, needList),
    breakGlass: breakGlassRule(raw.break_glass, needList),
    remindAfter: reminder(raw.remind),
    escalate: escalations(raw.escalate),
    mask: Object.entries(raw.mask ?? {}).map(([column, how]) => maskRule(column, how)),
    detect: detectRules(raw.detect ?? {}),
  }
}

/** Found whatever the policy leaves unsaid: they have a checksum or a form that nothing else has. */
const PRECISE: ReadonlySet<string> = new Set([
  ...['card', 'ssn', 'iban', 'jwt', 'private_key', 'cloud_key'],
])

function detectRules(raw: RawDetect): readonly DetectRule[] {
  return DETECTORS.flatMap((what): DetectRule[] => {
    const how = raw[what] ?? (PRECISE.has(what) ? 'redact' : 'show')
    if (how === 'show') return []
    return [typeof how === 'string' ? { what, how } : { what, how: 'partial', ...how.partial }]
  })
}

/** What is not said is denied; only session and transaction pass unsaid. */
function rulesOf(raw: RawConnection['rules']): ConnectionPolicy['rules'] {
  const said = (name: StatementClass, unsaid: Rule): Rule => {
    const rule = raw[name]
    return rule === undefined ? unsaid : ruleOf(rule)
  }
  const write = said('write', UNSAID)
  const ddl = said('ddl', UNSAID)
  const admin = said('admin', UNSAID)
  return {
    read: said('read', UNSAID),
    write,
    ddl,
    admin,
    session: said('session', { decision: 'allow' }),
    transaction: said('transaction', { decision: 'allow' }),
    unknown: said('unknown', notAllowed([write, ddl, admin])),
  }
}

const UNSAID: Rule = { decision: 'deny', reason: null }

/** What is not understood is treated as a write; where writes pass, as the first that does not. */
function notAllowed(rules: readonly Rule[]): Rule {
  return rules.find((rule) => rule.decision !== 'allow') ?? UNSAID
}

function ruleOf(raw: RawRule): Rule {
  if (raw === 'allow') return { decision: 'allow' }
  if (raw === 'deny') return UNSAID
  if ('deny' in raw) return { decision: 'deny', reason: raw.deny }
  return { decision: 'hold', ...asked(raw.hold) }
}

function askedBy(raw: RawRule | undefined): Asked {
  return typeof raw === 'object' && 'hold' in raw ? asked(raw.hold) : NOBODY
}

function asked(raw: RawHold): Asked {
  if (typeof raw === 'string' || !('any' in raw)) {
    return { needs: needList(raw), alternatives: [] }
  }
  const alternatives = raw.any.map(needList)
  return { needs: alternatives[0] ?? [], alternatives }
}

type RawNeeds = Exclude<RawHold, { any: unknown }>

function needList(raw: RawNeeds): readonly Need[] {
  const list = Array.isArray(raw) ? raw : [raw]
  return list.map((need) => (typeof need === 'string' ? { group: need, count: 1 } : need))
}

function repeatedIn(held: Asked): string | null {
  const twice = waysOf(held).map((way) => repeated(way.map((need) => need.group)))
  return twice.find((group) => group !== null) ?? null
}

function statementRule(label: string, raw: RawStatement, others: Asked): StatementRule {
  const { deny, hold, by, reason = null } = raw
  const when = conditionOf(deny ?? hold ?? {})
  if (hold === undefined) return { label, when, rule: { decision: 'deny', reason } }
  return {
    label,
    when,
    rule: {
      decision: 'hold',
      ...(by === undefined
        ? { needs: others.needs, alternatives: others.alternatives }
        : asked(by)),
    },
  }
}

function conditionOf(raw: NonNullable<RawStatement['deny']>): Condition {
  const names = (words: string | readonly string[] | undefined) =>
    listOf(words)?.map((word) => parseTable(word)!) ?? null
  return {
    class: listOf(raw.class),
    ddl: listOf(raw.ddl),
    reads: names(raw.reads),
    writes: names(raw.writes),
    calls: names(raw.calls),
    without: raw.without ?? null,
  }
}

function listOf<T extends string>(words: T | readonly T[] | undefined): readonly T[] | null {
  if (words === undefined) return null
  return typeof words === 'string' ? [words] : words
}

/** Plain equality passes, and what is shown masked; everything else tells values, so it is denied. */
function predicatesOf(raw: RawPredicates): ConnectionPolicy['predicates'] {
  const map = typeof raw === 'object' ? raw : raw === undefined ? {} : { other: raw }
  const { other = 'deny' } = map
  const said = (use: PredicateUse): PredicateRule =>
    predicateRule(map[use] ?? (use === 'equality' || use === 'compute' ? 'allow' : other))
  return Object.fromEntries(USES.map((use) => [use, said(use)])) as ConnectionPolicy['predicates']
}

function predicateRule(raw: RawPredicate): PredicateRule {
  if (raw === 'allow') return { decision: 'allow', perSession: null }
  if (typeof raw === 'object' && 'allow' in raw) {
    return { decision: 'allow', perSession: Number.parseInt(raw.allow, 10) }
  }
  const made = ruleOf(raw)
  return made.decision === 'allow' ? { decision: 'deny', reason: null } : made
}

/** Where each rule stands, for the people who ask which one decided. */
function placesOf(
  document: Document,
  path: Path,
  name: string,
  raw: RawConnection,
): ReadonlyMap<string, string> {
  const uses = typeof raw.predicates === 'object' ? Object.keys(raw.predicates) : []
  const paths: (readonly [string, Path])[] = [
    [`${name}.request`, ['request']],
    ...Object.keys(raw.rules).map((one): [string, Path] => [
      `${name}.rules.${one}`,
      ['rules', one],
    ]),
    ...(raw.statements ?? []).map((_, index): [string, Path] => [
      `${name}.statements[${index}]`,
      ['statements', index],
    ]),
    ...uses.map((use): [string, Path] => [`${name}.predicates.${use}`, ['predicates', use]]),
  ]
  return new Map(paths.map(([label, more]) => [label, document.place([...path, ...more])]))
}

function maskRule(column: string, raw: RawMask): MaskRule {
  const name = parseColumn(column)!
  const rule = { column: showColumn(name), name }
  if (typeof raw === 'string') return { ...rule, how: raw }
  return { ...rule, how: 'partial', last: raw.partial.last }
}

function repeated(words: readonly string[]): string | null {
  return words.find((word, index) => words.indexOf(word) !== index) ?? null
}
