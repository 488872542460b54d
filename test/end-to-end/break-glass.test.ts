import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Person, TestDemo } from '../support/demo.ts'
import { failure } from '../support/hoop.ts'

/** An emergency: at once for those whom the policy allows, loud, recorded, and owed a review. */

interface Review {
  readonly id: string
  readonly kind: string
  readonly state: string
  readonly reason: string
  readonly requester: string
}

describe('break glass', () => {
  let demo: TestDemo
  let alice: Person
  let bob: Person
  let carol: Person
  let erin: Person

  before(async () => {
    demo = await TestDemo.start()
    ;({ alice, bob, carol, erin } = await demo.logins('alice', 'bob', 'carol', 'erin'))
  })
  after(() => demo.stop())

  const mend = ['exec', 'pg-prod', '-c', "UPDATE people SET notes = 'mended' WHERE id = 1"]
  const emergency = ['--break-glass', '--reason', 'the site is down']
  const owed = async (): Promise<Review[]> => {
    const all = await carol.json<Review[]>(['requests', '--all'])
    return all.filter(({ kind }) => kind === 'break_glass')
  }

  test('those whom it is for run at once; all is recorded, and another person reviews it', async () => {
    const without = await erin.hoop(mend)
    assert.equal(without.code, 4)
    const silent = await erin.hoop([...mend, '--break-glass'])
    assert.equal(silent.code, 2, 'without a reason')
    const done = await erin.hoop([...mend, ...emergency])
    assert.equal(done.code, 0, done.stderr)
    assert.match(done.stderr, /break glass: r-\w+ lets you in for 1h/)

    const [review, ...others] = await owed()
    assert.deepEqual(others, [])
    assert.equal(review?.state, 'pending')
    assert.equal(review?.requester, 'erin@example.test')
    assert.equal(review?.reason, 'the site is down')
    const inbox = await bob.json<Review[]>(['requests'])
    assert.deepEqual(
      inbox.map(({ id }) => id),
      [review?.id],
    )

    const port = await demo.connect(erin, emergency)
    const client = await port.client()
    await client.query("UPDATE people SET notes = 'mended again' WHERE id = 1")
    assert.equal((await owed()).length, 1, 'it is the same emergency')
    const ddl = client.query('DROP TABLE people')
    const held = String((await port.running.event('held'))['request'])
    await bob.hoop(['reject', held, '--reason', 'no'])
    await assert.rejects(ddl, /rejected/, 'it opens what the policy says, and no more')

    for (const words of [['approve'], ['cancel'], ['reject', '--reason', 'x']]) {
      const [command = '', ...more] = words
      const refused = await erin.hoop([command, review!.id, ...more, '--json'])
      assert.equal(refused.code, 4, `${command}: ${failure(refused).code}`)
    }
    await bob.json(['reject', review!.id, '--reason', 'the site was up'])
    const closed = await port.running.event('closed')
    assert.match(String(closed['message']), /was rejected by bob@example.test: the site was up/)

    const found = await carol.json<unknown[]>(['sessions', 'search', 'mended again'])
    assert.equal(found.length, 1)
    assert.equal(
      (await erin.hoop([...mend, ...emergency])).code,
      0,
      'reviewed: there may be another',
    )
    await bob.json(['approve', (await owed())[0]!.id])
  })

  test('nobody else', async () => {
    for (const person of [alice, bob, carol]) {
      const refused = await person.hoop([...mend, ...emergency, '--json'])
      assert.equal(refused.code, 4)
      assert.equal(failure(refused).code, 'no_break_glass')
    }
  })
})
