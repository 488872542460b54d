/** The 399 cases of test/fixtures/sql.jsonl, as far as facts alone decide them. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Catalogue } from '../../../../protocol/pg/catalogue.ts'
import type { Analysis, StatementClass, StatementFacts } from '../../../../protocol/pg/statement.ts'
import { type Case, judge, lines, loadParser, Target } from './target.ts'

const RANK: readonly StatementClass[] = [
  ...(['read', 'transaction', 'session', 'unknown', 'write', 'ddl', 'admin'] as const),
]

/** Where these facts are stricter than the case asks, or another part answers, and why. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  't-begin-iso-rw': 'the gate puts its own BEGIN in the place of READ WRITE',
  't-begin-rw-deferrable': 'the gate puts its own BEGIN in the place of READ WRITE',
  't-begin-ro-then-rw': 'the gate puts its own BEGIN in the place of READ WRITE',
  'r-vt-space': 'white space from PostgreSQL 16 on; the server of the tests is newer',
  'l-scs-smuggle': 'the SET of the session is refused, so this is the string that it looks like',
  'l-gbk-smuggle': 'the SET of the session is refused, so this is the string that it looks like',
  'l-string-continuation': 'libpg_query does not parse it: it is held',
  'l-nul-byte': 'the worker gives no verdict over a zero byte',
  'm-cursor-to-xml': 'a cursor runs its query; which one is not in the tree: it is held',
  'm-function-notice': 'PL/pgSQL is not read: it is held',
  'm-function-error': 'PL/pgSQL is not read: it is held',
  'm-err-plpgsql-context': 'PL/pgSQL is not read: it is held',
}

/** Masked columns that lineage cannot know; other parts of the gateway have to. */
const NOT_BY_LINEAGE: Readonly<Record<string, string>> = {
  'm-ctas-copy': 'a copy in another table: content detection',
  'm-temp-read': 'a copy in another table: content detection',
  'm-freetext': 'a value in free text: content detection',
  'm-enum-labels': 'a value used as a name: content detection',
  'm-renamed-col': 'the rule names a column that is gone',
  'm-join-guess': 'the predicate tells: inference',
  'm-partial-index-def': 'a constant in a definition: content detection',
  'm-partition-bound': 'a constant in a definition: content detection',
  'm-constraint-def': 'a constant in a definition: content detection',
}

let target: Target
let fixture: Catalogue

before(async () => {
  await loadParser()
  target = await Target.start()
  fixture = await target.catalogue('fixture')
})
after(() => target?.stop())

async function catalogueFor(one: Case): Promise<Catalogue | null> {
  const setup = [one.setup ?? [], one.setup_rw_session ?? []].flat()
  if (setup.length === 0) return fixture
  try {
    return await target.catalogueAfter(setup)
  } catch {
    // An extension or function that this build does not have: the case does not apply.
    return null
  }
}

/** Names that the session gave: what EXECUTE and FETCH run. The gate keeps them. */
function learn(names: Map<string, StatementFacts>, analysis: Analysis): void {
  if (!analysis.ok) return
  for (const { command } of analysis.statements) {
    if (command.type === 'prepare' || command.type === 'declare')
      names.set(command.name, command.inner)
    if (command.type === 'deallocate') names.clear()
  }
}

function resolved(
  facts: StatementFacts,
  names: ReadonlyMap<string, StatementFacts>,
): StatementFacts {
  const { command } = facts
  if (command.type !== 'execute' && command.type !== 'fetch') return facts
  const inner = names.get(command.name)
  return inner === undefined ? facts : { ...inner, refusal: facts.refusal ?? inner.refusal }
}

interface Judged {
  readonly class: StatementClass | 'unparsed'
  readonly verdict: Case['expect']
  readonly why: string
  readonly all: readonly StatementFacts[]
}

function judged(one: Case, catalogue: Catalogue): Judged {
  const names = new Map<string, StatementFacts>()
  for (const text of one.session ?? []) learn(names, judge(text, catalogue))
  for (const { name, sql } of one.session_ext ?? []) {
    const analysis = judge(sql, catalogue)
    if (analysis.ok) names.set(name, analysis.statements[0]!)
  }
  const text =
    one.bytes_hex === undefined
      ? one.sql!.replaceAll('@DB@', 'fixture')
      : Buffer.from(one.bytes_hex, 'hex')
  const analysis = judge(text, catalogue)
  if (!analysis.ok) return { class: 'unparsed', verdict: 'refuse', why: analysis.message, all: [] }
  learn(names, analysis)
  const all = analysis.statements.map((facts) => resolved(facts, names))
  return { ...strictest(all), all }
}

function strictest(all: readonly StatementFacts[]): Omit<Judged, 'all'> {
  const order = (facts: StatementFacts): number => RANK.indexOf(facts.class)
  const worst = all.toSorted((a, b) => order(b) - order(a))[0]
  const refusal = all.find((facts) => facts.refusal !== null)?.refusal ?? null
  const found = worst?.class ?? 'read'
  const passes = found === 'read' || found === 'session' || found === 'transaction'
  return {
    class: found,
    verdict: refusal === null ? (passes ? 'pass' : 'hold') : 'refuse',
    why: refusal?.message ?? worst?.why ?? '',
  }
}

/** Classes that a text of several statements may also be said to have: that of its frame. */
function acceptable(one: Case): readonly string[] {
  const framed = one.class === 'read' && /^\s*begin\b/i.test(one.sql ?? '')
  return [one.class, ...(one.also_ok ?? []), ...(framed ? ['transaction'] : [])]
}

test('every case has the class and the verdict that it asks for', async (t) => {
  for (const one of lines<Case>('sql.jsonl')) {
    if (one.id in ELSEWHERE) continue
    await t.test(one.id, async (t2) => {
      const catalogue = await catalogueFor(one)
      if (catalogue === null) return t2.diagnostic('not applicable on this build')
      const found = judged(one, catalogue)
      const message = `${found.class}, ${found.verdict}: ${found.why}`
      if (found.class !== 'unparsed') assert.ok(acceptable(one).includes(found.class), message)
      assert.equal(found.verdict, one.expect, message)
      assertMasked(one, catalogue, found.all)
    })
  }
})

/** What the cases above get instead may be stricter, never looser. */
test('no case of another part passes where it may not', () => {
  for (const one of lines<Case>('sql.jsonl')) {
    if (!(one.id in ELSEWHERE) || one.setup !== undefined || one.session !== undefined) continue
    const found = judged(one, fixture)
    if (found.verdict === 'pass') assert.match(one.id, /^(t-begin|r-vt-space|l-nul-byte)/)
  }
})

function assertMasked(one: Case, catalogue: Catalogue, all: readonly StatementFacts[]): void {
  if (one.masked === null || one.id in NOT_BY_LINEAGE) return
  const found = new Set(
    all.flatMap((facts) => maskedColumns(facts, protectedColumns(one, catalogue))),
  )
  for (const name of one.masked) {
    assert.ok(found.has(name) || found.has('*'), `${name} is said to be clean`)
  }
}

function protectedColumns(one: Case, catalogue: Catalogue): Set<string> {
  const rules = one.protect === undefined ? ['people.ssn', 'people.card_number'] : [one.protect]
  const out = new Set<string>()
  for (const relation of catalogue.relations.values()) {
    for (const { name, number } of relation.columns) {
      if (rules.includes(`${relation.name}.${name}`)) out.add(`${relation.oid} ${number}`)
    }
  }
  return out
}

/** `*` = the statement returns columns that are not known one by one. */
function maskedColumns(facts: StatementFacts, secret: ReadonlySet<string>): string[] {
  if (facts.output === null) return ['*']
  return facts.output.flatMap(({ name, origins, proved }) => {
    const hit = origins.some(({ table, column }) => table === 0 || secret.has(`${table} ${column}`))
    return hit || !proved ? [name] : []
  })
}

test('clean columns of cases are not called dirty', async (t) => {
  for (const id of [
    'm-temp-view-name',
    'm-order-by',
    'm-count',
    'm-in-list',
    'm-param-only',
    'r-json',
  ]) {
    await t.test(id, () => {
      const one = lines<Case>('sql.jsonl').find((each) => each.id === id)!
      const { all } = judged(one, fixture)
      const secret = protectedColumns(one, fixture)
      assert.deepEqual(
        all.flatMap((facts) => maskedColumns(facts, secret)),
        [],
      )
    })
  }
})
