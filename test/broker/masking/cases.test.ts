/** The cases of test/fixtures/sql.jsonl that read protected columns, run on a real server and masked. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createCopyMasker } from '../../../broker/masking/copy.ts'
import { planCopy, planRows, type RowPlan } from '../../../broker/masking/plan.ts'
import { type ProtectedColumns, protectColumns } from '../../../broker/masking/protect.ts'
import { maskRows } from '../../../broker/masking/rows.ts'
import { scrubReport } from '../../../broker/masking/text.ts'
import type { Upstream } from '../../../broker/upstream/postgres.ts'
import { BACKEND, BACKEND_RULES, decodeRowDescription } from '../../../protocol/pg/backend.ts'
import type { Catalogue } from '../../../protocol/pg/catalogue.ts'
import { Framer } from '../../../protocol/pg/framer.ts'
import type { StatementFacts } from '../../../protocol/pg/statement.ts'
import { type Case, judge, lines, loadParser, Target } from '../../protocol/pg/facts/target.ts'
import { int32 } from './support.ts'

/** Where the value came by another way than out of its column: content detection's business. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'r-guc-unstash': 'a session variable that was filled before; filling it is refused',
  'r-guc-unstash-show': 'a session variable that was filled before; filling it is refused',
  'm-ctas-copy': 'a copy in another table',
  'm-partial-index-def': 'a constant in a definition',
  'm-partition-bound': 'a constant in a definition',
  'm-enum-labels': 'a value used as a name',
  'm-lo-read': 'a large object that was filled before',
  'm-notify-self': 'a notification, which was approved as such',
}

const SECRETS: readonly string[] = [
  ...['078-05-1120', '219-09-9999', '123-45-6789', '457-55-5462', '987-65-4320', '078051120'],
  ...['4111111111111111', '5555555555554444', '378282246310005', '6011111111111117'],
]

let target: Target
let fixture: Catalogue

before(async () => {
  await loadParser()
  target = await Target.start()
  // Free text holds numbers, too; that is another net's catch.
  await target.run('fixture', [`UPDATE people SET notes = 'clear'`, `UPDATE events SET id = 1`])
  fixture = await target.catalogue('fixture')
})
after(() => target?.stop())

for (const one of lines<Case>('sql.jsonl')) {
  const isMeant = one.masked !== null && one.sql !== undefined && !(one.id in ELSEWHERE)
  if (isMeant && one.expect !== 'refuse') test(`nothing leaks: ${one.id}`, () => run(one))
}

async function run(one: Case): Promise<void> {
  const setup = [one.setup ?? [], one.setup_rw_session ?? []].flat()
  const catalogue = await catalogueFor(setup)
  // An extension or function that this build does not have: the case does not apply.
  if (catalogue === null) return
  const database = setup.length === 0 ? 'fixture' : 'changed'
  const talk = new Talk(await target.connect(database))
  try {
    for (const text of one.session ?? []) await talk.query(text.replaceAll('@DB@', database))
    const shown = await show(talk, one, catalogue, database)
    const hex = shown.toString('hex')
    for (const secret of SECRETS) {
      assert.ok(!shown.includes(secret), secret)
      assert.ok(
        !hex.includes(Buffer.from(Buffer.from(secret).toString('hex')).toString('hex')),
        secret,
      )
    }
  } finally {
    await talk.end()
  }
}

async function catalogueFor(setup: readonly string[]): Promise<Catalogue | null> {
  if (setup.length === 0) return fixture
  return target.catalogueAfter(setup).catch(() => null)
}

/** What a client would see of all the case's statements. */
async function show(
  talk: Talk,
  one: Case,
  catalogue: Catalogue,
  database: string,
): Promise<Buffer> {
  const sql = one.sql!.replaceAll('@DB@', database)
  const columns = one.protect === undefined ? ['people.ssn', 'people.card_number'] : [one.protect]
  const rules = columns.map((column) => ({ column, how: 'redact' as const }))
  const protect = protectColumns(rules, catalogue, Buffer.from('key'))
  const analysis = judge(sql, catalogue)
  assert.ok(analysis.ok)
  const shown: Buffer[] = []
  for (const facts of analysis.statements) {
    const { offset, length } = facts.span
    const text = Buffer.from(sql)
      .subarray(offset, offset + length)
      .toString()
    // What EXECUTE and FETCH return is what another text said; here it is taken as not known.
    const isElsewhere = facts.command.type === 'execute' || facts.command.type === 'fetch'
    shown.push(await showOne(talk, text, isElsewhere ? null : facts, protect))
  }
  return Buffer.concat(shown)
}

async function showOne(
  talk: Talk,
  text: string,
  facts: StatementFacts | null,
  protect: ProtectedColumns,
): Promise<Buffer> {
  const copy = facts?.command.type === 'copy-out' ? facts.command : null
  let plan: RowPlan | null = null
  if (copy !== null) plan = planCopy(await talk.describe(copy.query), facts, protect)
  const masker = copy === null || plan === null ? null : createCopyMasker(plan, copy.options)
  const shown: Buffer[] = []
  for (const { type, bytes } of await talk.query(text)) {
    if (type === BACKEND.rowDescription)
      plan = planRows(decodeRowDescription(bytes), facts, protect)
    if (type === BACKEND.dataRow) shown.push(maskRows(bytes, plan!))
    if (type === BACKEND.copyData) shown.push(masker!.messages(bytes))
    const isReport = type === BACKEND.error || type === BACKEND.notice
    if (isReport) shown.push(protect.touches(facts) ? scrubReport(bytes) : bytes)
  }
  return Buffer.concat(shown)
}

interface Message {
  readonly type: number
  readonly bytes: Buffer
}

/** Says something to the server and takes all that comes until it is ready again. */
class Talk {
  readonly #upstream: Upstream
  readonly #framer = new Framer(BACKEND_RULES)
  readonly #closed: Promise<void>
  #wake: () => void = () => undefined

  constructor(upstream: Upstream) {
    this.#upstream = upstream
    this.#closed = new Promise((resolve) => upstream.onClose(() => resolve()))
    upstream.onData((bytes) => {
      this.#framer.push(bytes)
      this.#wake()
    })
  }

  query(text: string): Promise<Message[]> {
    return this.#say(message('Q', Buffer.from(`${text}\0`)))
  }

  async describe(text: string) {
    const parse = message('P', Buffer.concat([Buffer.from(`\0${text}\0`), Buffer.alloc(2)]))
    const described = await this.#say(
      Buffer.concat([parse, message('D', Buffer.from('S\0')), message('S', Buffer.alloc(0))]),
    )
    const shape = described.find(({ type }) => type === BACKEND.rowDescription)
    assert.ok(shape)
    return decodeRowDescription(shape.bytes)
  }

  async end(): Promise<void> {
    this.#upstream.end()
    await this.#closed
  }

  async #say(bytes: Buffer): Promise<Message[]> {
    this.#upstream.write(bytes)
    const messages: Message[] = []
    while (messages.at(-1)?.type !== BACKEND.readyForQuery) {
      const frame = this.#framer.next()
      if (frame !== null) messages.push({ type: frame.type, bytes: Buffer.from(frame.bytes) })
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    return messages
  }
}

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}
