import type {
  Expression,
  ExpressionBuilder,
  Insertable,
  Kysely,
  Selectable,
  SqlBool,
  Transaction,
} from 'kysely'
import { sql } from 'kysely'
import { ownKeys } from './keys.ts'
import { joining } from './people.ts'
import type { DecisionTable, QuestionTable, RequestTable, StateTable, Tables } from './schema.ts'
import { shapeOf } from './shape.ts'
import type {
  Addition,
  Decision,
  Join,
  Need,
  Person,
  Proposal,
  Question,
  RequestContent,
  RequestFilter,
  RequestRecord,
  RequestState,
  Requests,
  Seat,
  StateEntry,
} from './store.ts'
import { insertProposal, insertVersion } from './versions.ts'

/** Above this many bytes lists carry an excerpt. */
export const LARGE = 64 * 1024
const EXCERPT = 4 * 1024
const PAGE = 200

export class StoredRequests implements Requests {
  readonly #db: Kysely<Tables>
  readonly #now: () => number

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db
    this.#now = now
  }

  insert(content: RequestContent, first: StateEntry): Promise<RequestRecord> {
    return this.#db.transaction().execute((trx) => insertOne(trx, content, first))
  }

  insertBelow(
    most: number,
    content: RequestContent,
    first: StateEntry,
    proposal: Proposal | null = null,
  ) {
    const { requester, connection } = content
    return this.#db.transaction().execute(async (trx) => {
      const { pending } = await trx
        .selectFrom('request')
        .select((eb) => eb.fn.countAll<number>().as('pending'))
        .where((eb) => eb.and(conditions(eb, { states: ['pending'], requester, connection })))
        .where(OPEN)
        .executeTakeFirstOrThrow()
      return pending >= most ? null : insertOne(trx, content, first, proposal)
    })
  }

  async rejectedBefore({ id, requester, connection, statement }: RequestRecord) {
    const filter: RequestFilter = { states: ['rejected'], requester, connection, olderThan: id }
    const same = this.#db
      .selectFrom('request')
      .where('statement', '=', statement)
      .where((eb) => eb.and(conditions(eb, filter)))
    const all = await same.select('id').orderBy('number', 'desc').execute()
    const [latest] = all
    if (latest === undefined) return { count: 0, last: null }
    const state = await this.#db
      .selectFrom('request_state')
      .selectAll()
      .where('request_id', '=', latest.id)
      .where('to_state', '=', 'rejected')
      .executeTakeFirstOrThrow()
    return { count: all.length, last: stateOf(state) }
  }

  read(id: string): Promise<RequestRecord | null> {
    return readOne(this.#db, id)
  }

  async list(filter: RequestFilter): Promise<readonly RequestRecord[]> {
    const rows = await this.#db
      .selectFrom('request')
      .select(SMALL_COLUMNS)
      .select([
        sql<string>`iif(size > ${LARGE}, substr(statement, 1, ${EXCERPT}), statement)`.as(
          'statement',
        ),
        sql<string | null>`iif(size > ${LARGE}, substr(statement, ${-EXCERPT}), null)`.as('tail'),
        sql<string>`iif(size > ${LARGE}, ${shortParameters}, parameters)`.as('parameters'),
      ])
      .where((eb) => eb.and(conditions(eb, filter)))
      .orderBy('number', 'desc')
      .limit(filter.limit === null ? -1 : (filter.limit ?? PAGE))
      .execute()
    return Promise.all(rows.map((row) => complete(this.#db, row, row.tail)))
  }

  add(
    id: string,
    by: readonly string[],
    step: (request: RequestRecord, join: Join) => readonly Addition[],
  ) {
    return this.#db.transaction().execute(async (trx) => {
      let request = await readOne(trx, id)
      if (request === null) return null
      const join = await joining(trx, [...by, ...keysIn(request)], this.#now())
      for (const addition of step(request, join)) {
        await apply(trx, request!, addition)
        request = await readOne(trx, id)
      }
      return request
    })
  }

  async nextDue(): Promise<number | null> {
    const row = await this.#db
      .selectFrom('request')
      .select((eb) => eb.fn.min('until').as('due'))
      .where('state', 'in', ['pending', 'approved'])
      .executeTakeFirst()
    return row?.due ?? null
  }
}

function keysIn({ requester, rule, decisions }: RequestRecord): readonly string[] {
  return [...requester.keys, ...rule.authors, ...decisions.flatMap((made) => made.by.keys)]
}

const SMALL_COLUMNS = [
  'number',
  'id',
  'kind',
  'session',
  'issuer',
  'subject',
  'email',
  'groups',
  'keys',
  'machine',
  'connection',
  'database',
  'class',
  'effect',
  'digest',
  'size',
  'reason',
  'in_transaction',
  'facts',
  'spool',
  'separate',
  'rule_labels',
  'rule_authors',
  'policy_version',
  'state',
  'place',
  'until',
] as const

const shortParameters = sql`(select json_group_array(iif(length(value) > 256,
  substr(value, 1, 256) || '…', value)) from json_each(parameters))`

/** In the words of the index `request_open`, which is used for no others: few are open, many are not. */
const OPEN = sql<SqlBool>`state in ('pending', 'approved')`

type Reader = Kysely<Tables> | Transaction<Tables>

async function apply(trx: Transaction<Tables>, request: RequestRecord, addition: Addition) {
  switch (addition.add) {
    case 'decision':
      return insertDecision(trx, request, addition.decision)
    case 'question':
      return insertQuestion(trx, request, addition.question)
    case 'state':
      return insertState(trx, request.id, request.state, request.history.length, addition.entry)
    case 'seats':
      return insertSeats(trx, request.id, addition.seats)
    case 'event': {
      const { event, at, detail } = addition
      return tell(trx, { request_id: request.id, event, at, detail })
    }
    case 'outcome': {
      const { status, sqlstate, rows, at } = addition.outcome
      const row = { request_id: request.id, status, sqlstate, row_count: rows, at }
      await trx.insertInto('outcome').values(row).execute()
      return
    }
    case 'version':
      await insertVersion(trx, addition.version)
  }
}

/** Where nobody is to be told it is not kept. */
async function tell(trx: Transaction<Tables>, row: Insertable<Tables['outbox']>) {
  const anybody = await trx.selectFrom('outbox_endpoint').select('name').executeTakeFirst()
  if (anybody !== undefined) await trx.insertInto('outbox').values(row).execute()
}

async function insertOne(
  trx: Transaction<Tables>,
  content: RequestContent,
  first: StateEntry,
  proposal: Proposal | null = null,
): Promise<RequestRecord> {
  await trx.insertInto('request').values(contentRow(content, first)).execute()
  const needs = waysOf(content).flatMap((way, alternative) =>
    way.map((need, place) => ({
      ...{ request_id: content.id, alternative, place },
      ...{ group_name: need.group, count: need.count, opens: content.opens[alternative] ?? 0 },
    })),
  )
  if (needs.length) await trx.insertInto('request_need').values(needs).execute()
  const shape = { request_id: content.id, shape: shapeOf(content) }
  await trx.insertInto('request_shape').values(shape).execute()
  if (proposal !== null) await insertProposal(trx, content.id, proposal)
  await insertState(trx, content.id, 'new', 0, first)
  return (await readOne(trx, content.id))!
}

/** One way to approve it, and its place among all. */
export interface OpenWay {
  readonly alternative: number
  readonly needs: readonly Need[]
}

/** Those that count at `now`: others do after a silence. */
export function openWays(
  request: Pick<RequestContent, 'needs' | 'alternatives' | 'opens'>,
  now: number,
): readonly OpenWay[] {
  return waysOf(request)
    .map((needs, alternative) => ({ alternative, needs }))
    .filter(({ alternative }) => {
      const from = request.opens[alternative] ?? 0
      return from === 0 || from <= now
    })
}

/** The ways to approve it: each is enough by itself. */
export function waysOf({
  needs,
  alternatives,
}: Pick<RequestContent, 'needs' | 'alternatives'>): RequestContent['alternatives'] {
  return alternatives.length > 0 ? alternatives : [needs]
}

async function insertState(
  trx: Transaction<Tables>,
  id: string,
  from: RequestState | 'new',
  place: number,
  entry: StateEntry,
): Promise<void> {
  const by = entry.by && accountRow(entry.by)
  const row = {
    request_id: id,
    place,
    previous_place: place === 0 ? null : place - 1,
    from_state: from,
    to_state: entry.state,
    at: entry.at,
    until: entry.until,
    ...(by ?? { issuer: null, subject: null, email: null, groups: null }),
    why: entry.why,
  }
  await trx.insertInto('request_state').values(row).execute()
}

async function insertDecision(trx: Transaction<Tables>, request: RequestRecord, made: Decision) {
  const place = request.decisions.length
  await trx
    .insertInto('decision')
    .values({
      request_id: request.id,
      place,
      ...personRow(made.by),
      verdict: made.verdict,
      comment: made.comment,
      max_rows: made.maxRows,
      at: made.at,
    })
    .execute()
  const groups = [...new Set(made.by.groups)]
  const rows = groups.map((group_name) => ({ request_id: request.id, place, group_name }))
  if (rows.length) await trx.insertInto('decision_group').values(rows).execute()
}

async function insertQuestion(trx: Transaction<Tables>, request: RequestRecord, said: Question) {
  const { part, text, at, by } = said
  const place = request.questions.length
  const row = { request_id: request.id, place, part, ...accountRow(by), text, at }
  await trx.insertInto('question').values(row).execute()
}

async function insertSeats(trx: Transaction<Tables>, id: string, seats: readonly Seat[]) {
  const rows = seats.map(({ decision, group, alternative }) => ({
    request_id: id,
    place: decision,
    group_name: group,
    alternative,
  }))
  if (rows.length) await trx.insertInto('seat').values(rows).execute()
}

async function readOne(db: Reader, id: string): Promise<RequestRecord | null> {
  const row = await db.selectFrom('request').selectAll().where('id', '=', id).executeTakeFirst()
  return row ? complete(db, row, null) : null
}

async function complete(
  db: Reader,
  row: Selectable<RequestTable>,
  tail: string | null,
): Promise<RequestRecord> {
  const of = 'request_id' as const
  const [needs, states, decisions, questions, outcome] = await Promise.all([
    db.selectFrom('request_need').selectAll().where(of, '=', row.id).execute(),
    db.selectFrom('request_state').selectAll().where(of, '=', row.id).orderBy('place').execute(),
    db.selectFrom('decision').selectAll().where(of, '=', row.id).orderBy('place').execute(),
    db.selectFrom('question').selectAll().where(of, '=', row.id).orderBy('place').execute(),
    db.selectFrom('outcome').selectAll().where(of, '=', row.id).executeTakeFirst(),
  ])
  return {
    ...contentOf(row),
    ...waysFrom(needs),
    state: row.state,
    createdAt: states[0]!.at,
    expiresAt: states.findLast((entry) => entry.until !== null)!.until!,
    tail,
    history: states.map(stateOf),
    decisions: decisions.map(decisionOf),
    questions: questions.map(questionOf),
    outcome: outcome
      ? {
          status: outcome.status,
          sqlstate: outcome.sqlstate,
          rows: outcome.row_count,
          at: outcome.at,
        }
      : null,
  }
}

function waysFrom(
  rows: readonly Selectable<Tables['request_need']>[],
): Pick<RequestContent, 'needs' | 'alternatives' | 'opens'> {
  const sorted = rows.toSorted((a, b) => a.alternative - b.alternative || a.place - b.place)
  const grouped = [...Map.groupBy(sorted, (row) => row.alternative).values()]
  const ways = grouped.map((way) =>
    way.map((need) => ({ group: need.group_name, count: need.count })),
  )
  const opens = grouped.map((way) => way[0]!.opens)
  const later = opens.some((at) => at > 0)
  return {
    needs: ways[0] ?? [],
    alternatives: ways.length > 1 ? ways : [],
    opens: later ? opens : [],
  }
}

function conditions(eb: ExpressionBuilder<Tables, 'request'>, filter: RequestFilter) {
  const all: Expression<SqlBool>[] = []
  if (filter.states) all.push(eb('state', 'in', [...filter.states]))
  if (filter.kind) all.push(eb('kind', '=', filter.kind))
  if (filter.connection) all.push(eb('connection', '=', filter.connection))
  if (filter.olderThan) all.push(eb('number', '<', numberOf(eb, filter.olderThan)))
  if (filter.alike) all.push(eb('id', 'in', alike(eb, filter.alike)))
  if (filter.session) all.push(eb('session', '=', filter.session))
  if (filter.dueAt !== undefined) all.push(eb('until', '<=', filter.dueAt))
  if (filter.requester) all.push(samePerson(eb, filter.requester))
  if (filter.unsettled) {
    all.push(eb('state', '=', 'executed'))
    all.push(eb('id', 'not in', eb.selectFrom('outcome').select('request_id')))
  }
  return all
}

function numberOf(eb: ExpressionBuilder<Tables, 'request'>, id: string) {
  return eb.selectFrom('request as other').select('other.number').where('other.id', '=', id)
}

function alike(eb: ExpressionBuilder<Tables, 'request'>, id: string) {
  const shape = eb.selectFrom('request_shape').select('shape').where('request_id', '=', id)
  return eb.selectFrom('request_shape').select('request_id').where('shape', '=', shape)
}

function samePerson(
  eb: ExpressionBuilder<Tables, 'request'>,
  { keys }: NonNullable<RequestFilter['requester']>,
) {
  const theirs = eb
    .selectFrom('involved')
    .select('request_id')
    .where('part', '=', 'requester')
    .where('key', 'in', [...keys])
  return eb('id', 'in', theirs)
}

function contentRow(content: RequestContent, first: StateEntry) {
  return {
    id: content.id,
    kind: content.kind,
    session: content.session,
    ...personRow(content.requester),
    connection: content.connection,
    database: content.database,
    statement: content.statement,
    parameters: JSON.stringify(content.parameters),
    class: content.class,
    effect: content.effect,
    digest: content.digest,
    size: content.size,
    reason: content.reason,
    in_transaction: content.inTransaction ? 1 : 0,
    facts: JSON.stringify(content.facts ?? null),
    spool: content.spool === null ? null : JSON.stringify(content.spool),
    separate: JSON.stringify(content.separate),
    rule_labels: JSON.stringify(content.rule.labels),
    rule_authors: JSON.stringify(content.rule.authors),
    policy_version: content.policyVersion,
    state: first.state,
    place: 0,
    until: first.until,
  }
}

function contentOf(
  row: Selectable<RequestTable>,
): Omit<RequestContent, 'needs' | 'alternatives' | 'opens'> {
  return {
    id: row.id,
    kind: row.kind,
    session: row.session,
    requester: personOf(row),
    connection: row.connection,
    database: row.database,
    statement: row.statement,
    parameters: JSON.parse(row.parameters),
    class: row.class,
    effect: row.effect,
    digest: row.digest,
    size: row.size,
    reason: row.reason,
    inTransaction: row.in_transaction === 1,
    facts: JSON.parse(row.facts),
    spool: row.spool === null ? null : JSON.parse(row.spool),
    separate: JSON.parse(row.separate),
    rule: { labels: JSON.parse(row.rule_labels), authors: JSON.parse(row.rule_authors) },
    policyVersion: row.policy_version,
  }
}

function stateOf(row: Selectable<StateTable>): StateEntry {
  const { issuer, subject, email, groups } = row
  return {
    state: row.to_state,
    at: row.at,
    until: row.until,
    by: issuer === null ? null : accountOf({ issuer, subject: subject!, email, groups: groups! }),
    why: row.why,
  }
}

function decisionOf(row: Selectable<DecisionTable>): Decision {
  return {
    by: personOf(row),
    verdict: row.verdict,
    comment: row.comment,
    maxRows: row.max_rows,
    at: row.at,
  }
}

function questionOf(row: Selectable<QuestionTable>): Question {
  return { part: row.part, by: accountOf(row), text: row.text, at: row.at }
}

interface AccountRow {
  readonly issuer: string
  readonly subject: string
  readonly email: string | null
  readonly groups: string
}

interface PersonRow extends AccountRow {
  readonly keys: string
  readonly machine: number
}

function accountRow({ issuer, subject, email, groups }: Person): AccountRow {
  return { issuer, subject, email, groups: JSON.stringify(groups) }
}

function personRow(person: Person): PersonRow {
  const { keys, machine } = person
  return { ...accountRow(person), keys: JSON.stringify(keys), machine: machine ? 1 : 0 }
}

function personOf(row: PersonRow): Person {
  return { ...accountOf(row), keys: JSON.parse(row.keys), machine: row.machine === 1 }
}

/** Who did a step, for people to read: it decides nothing. */
function accountOf({ issuer, subject, email, groups }: AccountRow): Person {
  const account = { issuer, subject, email }
  return { ...account, groups: JSON.parse(groups), keys: ownKeys(account), machine: false }
}
