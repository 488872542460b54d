import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Desk, openDesk } from '../../../broker/approval/desk.ts'
import { openStore } from '../../../broker/store/open.ts'
import type { RequestRecord, Store } from '../../../broker/store/store.ts'
import { HoopError } from '../../../protocol/errors.ts'
import { DIGEST, FakeRuntime, HOUR, request, settle } from '../../broker/approval/support.ts'
import { memoryStore } from './memory-store.ts'
import { callerOf, groups, type Organisation, organisation, roles } from './organisation.ts'
import { type Asked, Reference, type Token } from './reference.ts'

/** Organisations at work: whatever they try, in whatever order, the rule holds. */

type Act = 'approve' | 'reject' | 'cancel' | 'execute'

type Move =
  | { readonly do: 'ask'; readonly by: number; readonly rule: number }
  | {
      readonly do: Act
      readonly by: number
      readonly on: number
      /** With a token of just now. */
      readonly renewed: boolean
      /** By the one who asked, for what only they may do. */
      readonly own: boolean
    }
  | {
      readonly do: 'token'
      readonly of: number
      readonly groups: readonly string[]
      readonly roles: readonly string[]
    }
  | { readonly do: 'meet'; readonly of: number }
  | { readonly do: 'session' | 'settle'; readonly on: number }
  | { readonly do: 'wait'; readonly ms: number }

const MOSTLY = [
  ...Array<Act>(8).fill('approve'),
  ...Array<Act>(6).fill('execute'),
  'reject' as const,
  'cancel' as const,
]

const any = fc.nat({ max: 40 })
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('ask' as const), by: any, rule: any }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constantFrom<Act>(...MOSTLY),
      by: any,
      on: any,
      renewed: fc.constantFrom(true, true, true, false),
      own: fc.constantFrom(true, true, false),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('token' as const), of: any, groups, roles }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('meet' as const), of: any }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('session' as const, 'settle' as const), on: any }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 30_000, 60_000, 60_001, HOUR - 1, HOUR),
    }),
  },
)

export const played = fc.tuple(organisation, fc.array(move, { minLength: 5, maxLength: 40 }))

/** Memory: the code alone holds the rule. SQLite: the database refuses it, too. */
export async function stores(kind: 'memory' | 'sqlite', { links }: Organisation): Promise<Store> {
  if (kind === 'memory') return memoryStore(links)
  const store = await openStore({ dataDir: null, now: () => 0 })
  await store.people.configure(links, 'employee')
  return store
}

class World {
  readonly runtime = new FakeRuntime()
  readonly tokens: Token[]
  readonly reference: Reference
  readonly asked: { readonly id: string; readonly asked: Asked; executed: number }[] = []
  readonly organisation: Organisation
  readonly store: Store
  readonly desk: Desk

  private constructor(of: Organisation, store: Store, desk: Desk, runtime: FakeRuntime) {
    this.organisation = of
    this.store = store
    this.desk = desk
    this.runtime = runtime
    this.reference = new Reference(of)
    this.tokens = of.accounts.map((_, account) => ({
      account,
      groups: account % 3 === 0 ? ['dba', 'security'] : ['dba', 'engineers'],
      roles: ['requester', 'approver'],
      issuedAt: runtime.now(),
    }))
  }

  static async open(kind: 'memory' | 'sqlite', of: Organisation): Promise<World> {
    const runtime = new FakeRuntime()
    const store = await stores(kind, of)
    const onFault = (error: unknown) => assert.fail(String(error))
    const options = { store, runtime, spendWithin: 2 * HOUR, maxPending: 500, onFault }
    const world = new World(of, store, await openDesk(options), runtime)
    for (const author of of.rules.flatMap((rule) => rule.authors)) await world.meet(author)
    return world
  }

  caller(account: number) {
    return callerOf(this.organisation, this.organisation.accounts[account]!, this.tokens[account]!)
  }

  /** Every call shows a token: the broker then knows the account. */
  async meet(account: number): Promise<void> {
    this.reference.meet(this.tokens[account]!)
    await this.store.people.saw({ ...this.caller(account), seenAt: 0 })
  }

  async ask(by: number, rule: Organisation['rules'][number]): Promise<void> {
    await this.meet(by)
    const token = this.tokens[by]!
    const expected = this.reference.mayAsk(rule, token)
    const authors = rule.authors.flatMap((author) => this.caller(author).keys)
    const opened = this.desk.open(
      request(this.runtime, {
        ...{ kind: 'exec', session: null, requester: this.caller(by), needs: rule.ways[0]! },
        alternatives: rule.ways.length > 1 ? rule.ways : [],
        separate: rule.separate,
        rule: { labels: ['pg.rules.write'], authors },
      }),
    )
    const record = await outcome(opened)
    assert.equal(record !== null, expected, 'ask')
    if (record === null) return
    const asked = { by, rule, groups: token.groups, decisions: [], state: 'pending' }
    const until = record.expiresAt
    this.asked.push({ id: record.id, asked: { ...asked, until }, executed: 0 })
  }

  call(act: Act, id: string, by: number): Promise<RequestRecord> {
    const caller = this.caller(by)
    if (act === 'approve') return this.desk.approve(id, caller)
    if (act === 'reject') return this.desk.reject(id, caller, 'no')
    return act === 'cancel'
      ? this.desk.cancel(id, caller, null)
      : this.desk.spend(id, DIGEST, caller)
  }

  expects(act: Act, asked: Asked, by: number): boolean {
    const [token, now] = [this.tokens[by]!, this.runtime.now()]
    if (act === 'approve') return this.reference.mayApprove(asked, token, now)
    if (act === 'reject') return this.reference.mayReject(asked, token, now)
    if (act === 'cancel') return this.reference.mayCancel(asked, token, now)
    return this.reference.mayExecute(asked, token, now)
  }

  async close(): Promise<void> {
    await this.desk.close()
    await this.store.close()
  }
}

/** One after the other: each call succeeds exactly where the reference says so. */
export async function playInOrder(
  kind: 'memory' | 'sqlite',
  of: Organisation,
  moves: readonly Move[],
): Promise<void> {
  const world = await World.open(kind, of)
  const { accounts, rules } = of
  await world.ask(0, rules[0]!)
  for (const one of moves) {
    if (one.do === 'wait') {
      world.runtime.advance(one.ms)
      await settle()
      continue
    }
    if (one.do === 'ask') {
      await world.ask(one.by % accounts.length, rules[one.rule % rules.length]!)
      continue
    }
    if (one.do === 'meet') await world.meet(one.of % accounts.length)
    if (one.do === 'token') renew(world, one)
    if ('on' in one && world.asked.length > 0) await decide(world, one)
  }
  await check(world)
  await world.close()
}

function renew(world: World, { of, groups: held, roles: may }: Extract<Move, { do: 'token' }>) {
  const account = of % world.tokens.length
  world.tokens[account] = { account, groups: held, roles: may, issuedAt: world.runtime.now() }
}

/** Who does it; with a new token, mostly. */
function actor(world: World, one: Extract<Move, { own: boolean }>, asked: Asked): number {
  const isOwn = one.own && (one.do === 'execute' || one.do === 'cancel')
  const by = isOwn ? asked.by : one.by % world.tokens.length
  const token = world.tokens[by]!
  if (one.renewed) world.tokens[by] = { ...token, issuedAt: world.runtime.now() }
  return by
}

async function decide(world: World, one: Extract<Move, { on: number }>): Promise<void> {
  const it = world.asked[one.on % world.asked.length]!
  const { asked, id } = it
  expire(world, asked)
  if (!('by' in one)) {
    const done = await outcome(
      one.do === 'session'
        ? world.desk.cancel(id, 'session', 'gone')
        : world.desk.settle(id, { status: 'ok', sqlstate: null, rows: 1 }),
    )
    if (one.do === 'session' && done !== null) asked.state = 'cancelled'
    return
  }
  const by = actor(world, one, asked)
  await world.meet(by)
  const expected = world.expects(one.do, asked, by)
  const done = await outcome(world.call(one.do, id, by))
  assert.equal(done !== null, expected, `${one.do} by ${by} of ${id}`)
  if (done !== null) follow(world, it, one.do, by)
  // That the time is over is written when somebody looks, or a moment later.
  if (asked.state !== 'expired') assert.equal((await world.desk.get(id)).state, asked.state)
}

function expire({ runtime }: World, asked: Asked): void {
  if (/pending|approved/.test(asked.state) && runtime.now() >= asked.until) asked.state = 'expired'
}

function follow(world: World, it: World['asked'][number], act: Act, by: number): void {
  const { asked } = it
  const verdict = act === 'reject' ? 'reject' : 'approve'
  const made = { account: by, verdict, groups: world.tokens[by]!.groups } as const
  if (act === 'approve' || act === 'reject') asked.decisions.push(made)
  if (act === 'reject') asked.state = 'rejected'
  if (act === 'cancel') asked.state = 'cancelled'
  if (act === 'execute') {
    asked.state = 'executed'
    it.executed++
  }
  if (act === 'approve' && world.reference.isFull(asked)) {
    asked.state = 'approved'
    asked.until = world.runtime.now() + 2 * HOUR
  }
}

async function check(world: World): Promise<void> {
  for (const { id, executed } of world.asked) {
    const { history } = await world.desk.get(id)
    assert.equal(history.filter(({ state }) => state === 'executed').length, executed)
    assert.ok(executed <= 1)
  }
}

/**
 * All at once, in rounds: which of them come first nobody knows, so what is checked is what then stands in
 * the store, against the reference alone.
 */
export async function playAtOnce(
  kind: 'memory' | 'sqlite',
  of: Organisation,
  moves: readonly Move[],
): Promise<void> {
  const world = await World.open(kind, of)
  for (const account of of.accounts.keys()) await world.meet(account)
  await world.ask(0, of.rules[0]!)
  const ran = new Map<string, number>()
  for (let at = 0; at < moves.length; at += 6) {
    const round = moves.slice(at, at + 6).map(async (one, turns) => {
      for (let i = 0; i < turns % 3; i++) await Promise.resolve()
      if (one.do === 'wait') world.runtime.advance(one.ms)
      if (one.do === 'token') renew(world, one)
      if (one.do === 'ask')
        await world.ask(one.by % of.accounts.length, of.rules[one.rule % of.rules.length]!)
      if (!('on' in one) || world.asked.length === 0) return
      const { id, asked } = world.asked[one.on % world.asked.length]!
      if (one.do === 'session') await outcome(world.desk.cancel(id, 'session', 'gone'))
      if (!('by' in one)) return
      const done = await outcome(world.call(one.do, id, actor(world, one, asked)))
      if (done !== null && one.do === 'execute') ran.set(id, (ran.get(id) ?? 0) + 1)
    })
    await Promise.all(round)
  }
  for (const { id, asked } of world.asked) {
    const record = await world.desk.get(id)
    assert.ok((ran.get(id) ?? 0) <= 1, 'executed twice')
    inspect(world, asked, record)
  }
  await world.close()
}

function inspect(
  { reference, organisation: of }: World,
  asked: Asked,
  record: RequestRecord,
): void {
  const numberOf = (subject: string) => of.accounts.findIndex((one) => one.subject === subject)
  const deciders = record.decisions.map((made) => numberOf(made.by.subject))
  const parts = [asked.by, ...deciders]
  for (const [i, one] of parts.entries()) {
    for (const other of [...parts.slice(i + 1), ...asked.rule.authors]) {
      assert.ok(!reference.same(one, other), 'one person takes part twice')
    }
  }
  for (const decider of deciders) assert.ok(!of.accounts[decider]!.machine, 'a machine decides')
  const states = record.history.map((entry) => entry.state)
  const decisions = record.decisions.map((made) => ({
    ...{ account: numberOf(made.by.subject), verdict: made.verdict, groups: made.by.groups },
  }))
  const isFull = reference.isFull({ ...asked, decisions })
  if (states.includes('approved') || states.includes('executed')) {
    assert.ok(isFull && decisions.every((made) => made.verdict === 'approve'), 'without its quorum')
  }
  if (record.state === 'pending') assert.ok(!isFull)
  const executed = record.history.filter((entry) => entry.state === 'executed')
  assert.ok(executed.length <= 1)
  for (const { by, at } of executed) {
    assert.ok(reference.same(numberOf(by!.subject), asked.by))
    assert.ok(at < record.history.find((entry) => entry.state === 'approved')!.until!)
  }
}

/** Null: refused, with a reason and an exit code. Anything else that is thrown is a fault. */
async function outcome(call: Promise<RequestRecord>): Promise<RequestRecord | null> {
  try {
    return await call
  } catch (error) {
    assert.ok(error instanceof HoopError, String(error))
    assert.ok(error.exit !== 0 && error.message.length > 10)
    return null
  }
}
