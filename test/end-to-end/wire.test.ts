import assert from 'node:assert/strict'
import { after, before, describe as suite, test } from 'node:test'
import { Gateway, type Wire } from '../support/gateway.ts'
import {
  bind,
  close,
  copyDataIn,
  copyDone,
  describe,
  describePortal,
  execute,
  flush,
  message,
  parse,
  query,
  sync,
  terminate,
} from '../support/messages.ts'

/** The cases of the wire, with a raw client, against a real PostgreSQL: answers and data. */

const SCHEMA = `
CREATE TABLE t (id int PRIMARY KEY, v text NOT NULL);
INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three');
ALTER TABLE t OWNER TO writer; GRANT SELECT ON t TO reader;
CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC;
CREATE FUNCTION public.tame(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE TABLE log (at int); ALTER TABLE log OWNER TO writer; GRANT ALL ON log TO PUBLIC;
CREATE FUNCTION evil.sly() RETURNS int LANGUAGE plpgsql IMMUTABLE AS
  'BEGIN INSERT INTO public.log VALUES (1); RETURN 1; END';
`

suite('the wire, with a real PostgreSQL', () => {
  let gateway: Gateway
  before(async () => {
    gateway = await Gateway.start(SCHEMA)
  })
  after(() => gateway.stop())

  const connected = (name: string, act: (wire: Wire) => Promise<void>) =>
    test(name, { timeout: 15_000 }, async () => {
      const wire = await gateway.connect()
      await act(wire)
      if (wire.closed === null) {
        wire.send(terminate())
        await wire.until(() => wire.closed !== null)
      }
    })
  const values = (where: string) => gateway.rows(`SELECT v FROM t WHERE ${where} ORDER BY id`)
  const extended = (text: string, ...values: string[]) => [
    parse(text),
    bind({ values }),
    describePortal(),
    execute(),
  ]

  connected('PG-22: byte by byte, the same answers', async (wire) => {
    for (const byte of Buffer.concat([query('select 1'), ...extended('select 2'), sync()]))
      wire.send(Buffer.from([byte]))
    const shown = await wire.answers(2)
    assert.deepEqual(tags(shown), ['C SELECT 1', 'Z I', 'C SELECT 1', 'Z I'])
  })

  connected('PG-24: a NUL in a Query ends the session, and nothing ran', async (wire) => {
    const shown = await wire.ask(message('Q', 'select 1', 'delete from t'))
    assert.deepEqual(shown, ['E 08P01'])
    assert.deepEqual(await values('id = 1'), ['one'])
  })

  connected('PG-31: two names of 63 bytes and more', async (wire) => {
    const [w, r] = [`${'s'.repeat(63)}w`, `${'s'.repeat(63)}r`]
    const long = (name: string, text: string) => message('P', name, text, Buffer.alloc(2))
    assert.deepEqual(await wire.ask([long(w, 'delete from t'), sync()]), ['E 42622', 'Z I'])
    assert.deepEqual(await wire.ask([long(r, 'select 1'), sync()]), ['E 42622', 'Z I'])
    assert.deepEqual(await wire.ask([bind({ statement: r }), execute(), sync()]), [
      'E 26000',
      'Z I',
    ])
  })

  connected('PG-33, PG-34: what becomes of the statement without a name', async (wire) => {
    assert.deepEqual(await wire.ask([parse('select 1'), sync()]), ['1', 'Z I'])
    assert.deepEqual(await wire.ask([parse('selct'), sync()]), ['E 42601', 'Z I'])
    assert.deepEqual(await wire.ask([bind(), execute(), sync()]), ['E 26000', 'Z I'])
    await wire.ask([parse('select 1'), sync()])
    await wire.ask(query('select 2'))
    assert.deepEqual(await wire.ask([bind(), execute(), sync()]), ['E 26000', 'Z I'])
  })

  connected('PG-35, PG-36: what runs is what was held', async (wire) => {
    wire.send(...extended('update t set v = $1 where id = 1', 'yes'), sync())
    const hold = await wire.held()
    wire.send(...extended('update t set v = $1 where id = 1', 'no'), sync())
    hold.approve()
    assert.deepEqual(tags(await wire.answers()), ['C UPDATE 1', 'Z I'])
    assert.deepEqual(await values('id = 1'), ['yes'])
    const second = await wire.held()
    second.reject()
    assert.deepEqual(tags(await wire.answers()), ['E 42501', 'Z I'])
    assert.deepEqual(await values('id = 1'), ['yes'])
    assert.deepEqual(wire.settled, ['ok'])
  })

  connected('PG-37, PG-38: SQL and protocol share their statements', async (wire) => {
    await wire.ask(query('prepare s1 as select 1 as a'))
    assert.deepEqual(tags(await wire.ask([bind({ statement: 's1' }), execute(), sync()])), [
      'C SELECT 1',
      'Z I',
    ])
    await wire.ask([parse('select 2 as b', 'k1'), sync()])
    assert.deepEqual(tags(await wire.ask(query('execute k1'))), ['C SELECT 1', 'Z I'])
    assert.deepEqual(await wire.ask(query('deallocate k1')), ['C DEALLOCATE', 'Z I'])
    await wire.ask(query('prepare k1 as select 3 as c'))
    const shown = await wire.ask([bind({ statement: 'k1' }), describePortal(), execute(), sync()])
    assert.match(shown.find((each) => each.startsWith('T')) ?? '', /c·/)
    assert.deepEqual(await wire.ask([close('k1'), sync()]), ['3', 'Z I'])
    assert.deepEqual(await wire.ask(query('prepare k1 as select 4')), ['C PREPARE', 'Z I'])
  })

  connected('PG-37: a DELETE that was prepared by SQL is held however it is run', async (wire) => {
    await wire.ask(query('prepare d as delete from t where id = 3'))
    wire.send(bind({ statement: 'd' }), execute(), sync())
    const first = await wire.held()
    first.reject()
    assert.deepEqual(tags(await wire.answers()), ['E 42501', 'Z I'])
    wire.send(query('execute d'))
    const second = await wire.held()
    second.reject()
    assert.deepEqual(tags(await wire.answers()), ['E 42501', 'Z I'])
    assert.deepEqual(await values('id = 3'), ['three'])
  })

  connected('PG-39, PG-40, PG-41: cursors and portals are one', async (wire) => {
    await wire.ask(query('begin'))
    await wire.ask(query('declare c1 cursor for select v from t order by id'))
    assert.deepEqual(tags(await wire.ask([execute('c1', 2), sync()])), ['s', 'Z T'])
    await wire.ask([parse('select 1', 's'), bind({ statement: 's', portal: 'p5' }), sync()])
    await wire.ask(query('close p5; declare p5 cursor for select id from t'))
    const shown = await wire.ask([execute('p5'), sync()])
    assert.deepEqual(tags(shown), ['C SELECT 3', 'Z T'])
    await wire.ask([bind({ statement: 's', portal: 'p1' }), sync()])
    assert.deepEqual(tags(await wire.ask(query('fetch 2 from p1'))), ['C FETCH 1', 'Z T'])
    assert.deepEqual(await wire.ask(query('close p1')), ['C CLOSE CURSOR', 'Z T'])
    assert.deepEqual(await wire.ask([execute('p1'), sync()]), ['E 34000', 'Z E'])
    await wire.ask(query('rollback'))
  })

  connected('PG-42: portals with a row limit, interleaved', async (wire) => {
    const open = (text: string, name: string) => [
      parse(text, name),
      bind({ statement: name, portal: name }),
    ]
    const pipeline = [
      ...open('select id from t order by 1', 'pa'),
      ...open('select v from t where id > 1 order by id', 'pb'),
    ]
    const steps = ['pa', 'pb', 'pa', 'pb'].map((name) => execute(name, 1))
    const shown = await wire.ask([...pipeline, ...steps, sync()])
    const rows = shown.filter((each) => each.startsWith('D ')).map((each) => each.at(-1))
    assert.deepEqual(rows, ['1', 'o', '2', 'e'])
  })

  connected('PG-45: INSERT RETURNING with a row limit inserts all, once', async (wire) => {
    wire.send(
      parse("insert into t values (10,'a'),(11,'b') returning id"),
      bind(),
      execute('', 1),
      sync(),
    )
    const hold = await wire.held()
    hold.approve()
    assert.deepEqual(tags(await wire.answers()), ['C INSERT 0 2', 'Z I'])
    assert.deepEqual(await values('id in (10, 11)'), ['a', 'b'])
    await gateway.admin.query('delete from t where id in (10, 11)')
  })

  connected('PG-51: a name that means another function after SET search_path', async (wire) => {
    await gateway.ddl(
      "create function evil.tame(int) returns int language plpgsql volatile as 'begin insert into public.log values (2); return 1; end'",
    )
    await wire.ask([parse('select tame(1)', 's'), sync()])
    assert.deepEqual(tags(await wire.ask([bind({ statement: 's' }), execute(), sync()])), [
      'C SELECT 1',
      'Z I',
    ])
    await wire.ask(query('set search_path = evil, public'))
    wire.send(bind({ statement: 's' }), execute(), sync())
    const hold = await wire.held()
    hold.reject()
    assert.deepEqual(tags(await wire.answers()), ['E 42501', 'Z I'])
    wire.send(
      query('set search_path = public; select 1; set search_path = evil, public; select tame(1)'),
    )
    const again = await wire.held()
    again.reject()
    await wire.answers()
    assert.deepEqual(await gateway.rows('select count(*)::int from log'), [0])
  })

  connected('PG-52: planning a Bind would run it; so no Bind goes out', async (wire) => {
    wire.send(parse('select evil.sly()'), bind(), describePortal(), execute(), sync())
    const hold = await wire.held()
    assert.deepEqual(await gateway.rows('select count(*)::int from log'), [0])
    hold.reject()
    assert.deepEqual(tags(await wire.answers()), ['E 42501', 'Z I'])
    assert.deepEqual(await gateway.rows('select count(*)::int from log'), [0])
  })

  connected('PG-55, PG-56: a read and a write in one pipeline', async (wire) => {
    const update = "update t set v = 'piped' where id = 2"
    wire.send(...extended('select 1'), ...extended(update), sync())
    const hold = await wire.held()
    assert.deepEqual(await values('id = 2'), ['two'])
    hold.approve()
    assert.deepEqual(tags(await wire.answers()), ['C SELECT 1', 'C UPDATE 1', 'Z I'])
    assert.deepEqual(await values('id = 2'), ['piped'])
  })

  connected('PG-60: a Query behind an error is skipped', async (wire) => {
    const shown = await wire.ask([
      parse('selct'),
      query('select 99'),
      ...extended('select 1'),
      sync(),
    ])
    assert.deepEqual(shown, ['E 42601', 'Z I'])
    assert.deepEqual(tags(await wire.ask(query('select 1'))), ['C SELECT 1', 'Z I'])
  })

  connected(
    'PG-61: two writes in a pipeline, the second refused by the target: neither',
    async (wire) => {
      wire.send(
        ...extended("insert into t values (20,'x')"),
        ...extended("insert into t values (20,'y')"),
        sync(),
      )
      const hold = await wire.held()
      hold.approve()
      assert.deepEqual(tags(await wire.answers()), ['C INSERT 0 1', 'E 23505', 'Z I'])
      assert.deepEqual(await values('id = 20'), [])
      assert.deepEqual(wire.settled, ['error'])
    },
  )

  connected('PG-64: Flush is answered', async (wire) => {
    wire.send(parse('select $1::int'), describe(), flush())
    await wire.see('t')
    const shown = await wire.ask([bind({ values: ['5'] }), execute(), sync()])
    assert.deepEqual(tags(shown), ['C SELECT 1', 'Z I'])
  })

  connected('PG-66: set_config, COMMIT and a write in one text', async (wire) => {
    const text =
      "select set_config('default_transaction_read_only','off',false); commit; delete from t"
    assert.deepEqual(tags(await wire.ask(query(text))), ['E 42501', 'Z I'])
    assert.equal((await values('true')).length, 3)
  })

  connected('PG-67: BEGIN behind an approved write leaves nothing open', async (wire) => {
    wire.send(query("update t set v = 'open' where id = 3; begin"))
    const hold = await wire.held()
    hold.approve()
    assert.deepEqual(tags(await wire.answers()), ['C UPDATE 1', 'C BEGIN', 'Z T'])
    wire.send(query('with x as (insert into log values (9) returning 1) select * from x'))
    const second = await wire.held()
    second.reject()
    assert.deepEqual(tags(await wire.answers()), ['E 42501', 'Z E'])
    await wire.ask(query('rollback'))
    assert.deepEqual(await values('id = 3'), ['open'])
  })

  connected('PG-68: CHAIN is refused', async (wire) => {
    await wire.ask(query('begin'))
    assert.deepEqual((await wire.ask(query('commit and chain'))).at(-1), 'Z E')
    await wire.ask(query('rollback'))
  })

  connected(
    'PG-69, PG-70: after ROLLBACK, RESET ALL and DISCARD ALL it is read-only',
    async (wire) => {
      for (const text of ['begin', 'rollback', 'reset all', 'discard all'])
        assert.match((await wire.ask(query(text))).at(-1) ?? '', /^Z /)
      const shown = await wire.ask(
        query("select current_setting('transaction_read_only') as ro, current_user as me"),
      )
      assert.match(shown.join(), /on.*reader/)
    },
  )

  connected('PG-71: a block with reads, an approved write, and reads again', async (wire) => {
    await wire.ask(query('begin'))
    await wire.ask(query('select 1'))
    wire.send(query("update t set v = 'tx' where id = 3"))
    const hold = await wire.held()
    hold.approve()
    assert.deepEqual(tags(await wire.answers()), ['C UPDATE 1', 'Z T'])
    const shown = await wire.ask(
      query("select current_setting('transaction_read_only') as ro, current_user as me"),
    )
    assert.match(shown.join(), /on.*reader/)
    await wire.ask(query('savepoint a'))
    wire.send(query("update t set v = 'lost' where id = 3"))
    const second = await wire.held()
    second.approve()
    await wire.answers()
    await wire.ask(query('rollback to a'))
    await wire.ask(query('release a'))
    assert.deepEqual(await wire.ask(query('commit')), ['C COMMIT', 'Z I'])
    assert.deepEqual(await values('id = 3'), ['tx'])
  })

  connected('PG-71: a rejected write aborts the block', async (wire) => {
    await wire.ask(query('begin'))
    wire.send(query("update t set v = 'never'"))
    const hold = await wire.held()
    hold.reject()
    assert.deepEqual(tags(await wire.answers()), ['E 42501', 'Z E'])
    assert.deepEqual(tags(await wire.ask(query('select 1'))), ['E 25P02', 'Z E'])
    assert.deepEqual(await wire.ask(query('commit')), ['C ROLLBACK', 'Z I'])
  })

  connected('PG-71: SHOW tells the client what holds for itself', async (wire) => {
    const shown = await wire.ask(query('show default_transaction_read_only'))
    assert.match(shown.join(), /off/)
    assert.ok(shown.includes('C SHOW'))
  })

  connected('PG-77: FunctionCall', async (wire) => {
    assert.deepEqual(await wire.ask(message('F', Buffer.alloc(10))), ['E 0A000', 'Z I'])
  })

  connected('PG-78: COPY is held with its data and replayed once', async (wire) => {
    wire.send(query('copy t from stdin'))
    await wire.see('G')
    wire.send(copyDataIn('30\tcopied\n'), copyDataIn('31\tco'), copyDataIn('pied\n'), copyDone())
    const hold = await wire.held()
    assert.deepEqual(await values('id >= 30'), [])
    hold.approve()
    assert.deepEqual(tags(await wire.answers()), ['C COPY 2', 'Z I'])
    assert.deepEqual(await values('id >= 30'), ['copied', 'copied'])
  })

  connected('PG-78: COPY by the extended protocol has one ReadyForQuery', async (wire) => {
    wire.send(parse('copy t from stdin'), bind(), execute(), sync())
    await wire.see('G')
    wire.send(copyDataIn('40\tx\n'), copyDone(), sync(), query('select 1'))
    const hold = await wire.held()
    hold.reject()
    assert.deepEqual(tags(await wire.answers(2)), ['E 42501', 'Z I', 'C SELECT 1', 'Z I'])
    assert.deepEqual(await values('id >= 40'), [])
  })

  connected('PG-83: a row of 3 MB passes', async (wire) => {
    const shown = await wire.ask(query("select repeat('x', 3000000)"))
    assert.equal(shown.find((each) => each.startsWith('D '))?.length, 3_000_008)
  })

  connected('PG-84: a target that ends the session', async (wire) => {
    wire.send(query('select pg_sleep(60)'))
    await wire.until(() => true)
    await untilActive()
    await gateway.admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid()",
    )
    const shown = await wire.answers()
    assert.deepEqual(
      shown.filter((each) => each.startsWith('C ')),
      [],
    )
    assert.equal(shown.at(-1), 'E 57P01')
    assert.equal(wire.closed, 'target')
  })

  connected('PG-86: a client that goes while its request waits', async (wire) => {
    wire.send(query("update t set v = 'gone'"), terminate())
    const hold = await wire.held()
    await wire.until(() => wire.closed !== null)
    assert.equal(wire.withdrawn, 1)
    hold.approve()
    assert.deepEqual(await values("v = 'gone'"), [])
  })

  connected('PG-88: VACUUM and CREATE INDEX CONCURRENTLY as units', async (wire) => {
    for (const [text, tag] of [
      ['create index concurrently t_v on t (v)', 'C CREATE INDEX'],
      ['vacuum t', 'C VACUUM'],
      ["do $$ begin update t set v = 'do' where id = 1; commit; end $$", 'C DO'],
    ] as const) {
      wire.send(query(text))
      const hold = await wire.held()
      hold.approve()
      assert.deepEqual(tags(await wire.answers()), [tag, 'Z I'])
    }
    assert.deepEqual(await values('id = 1'), ['do'])
  })

  connected('PG-89: cancel of what is held, and of what runs', async (wire) => {
    wire.send(query("update t set v = 'cancelled'"))
    await wire.held()
    await wire.see('N')
    wire.feed({ type: 'cancel' })
    assert.deepEqual(await wire.answers(), ['E 57014', 'Z I'])
    wire.send(query('select pg_sleep(60)'))
    await untilActive()
    wire.feed({ type: 'cancel' })
    assert.deepEqual(tags(await wire.answers()), ['E 57014', 'Z I'])
    assert.deepEqual(tags(await wire.ask(query('select 1'))), ['C SELECT 1', 'Z I'])
  })

  connected('PG-92: a text that breaks the parser has the error of the target', async (wire) => {
    const shown = await wire.ask(query(`select 1${'+1'.repeat(20_000)}`))
    assert.deepEqual(shown, ['E 54001', 'Z I'])
    assert.deepEqual(tags(await wire.ask(query('select 1'))), ['C SELECT 1', 'Z I'])
  })

  connected('PG-94: offsets are bytes', async (wire) => {
    wire.send(query("begin; select '🙂🙂🙂🙂'; delete from t where id = 99; rollback"))
    const hold = await wire.held()
    assert.equal(hold.unit.text.toString().trim(), 'delete from t where id = 99')
    hold.approve()
    const shown = await wire.answers()
    assert.deepEqual(tags(shown), ['C BEGIN', 'C SELECT 1', 'C DELETE 0', 'C ROLLBACK', 'Z I'])
  })

  connected('a bound on rows: above it nothing is changed', async (wire) => {
    wire.send(query("update t set v = 'many'"))
    const hold = await wire.held()
    hold.approve(1)
    assert.deepEqual(tags(await wire.answers()), ['E 42501', 'Z I'])
    assert.deepEqual(await values("v = 'many'"), [])
  })

  async function untilActive(): Promise<void> {
    const text =
      "select 1 from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active' and pid <> pg_backend_pid()"
    while ((await gateway.rows(text)).length === 0) await new Promise(setImmediate)
  }
})

/** Completions, errors, suspensions and ReadyForQuery: the outcome, without the data. */
function tags(shown: readonly string[]): string[] {
  return shown.filter((each) => /^[CEZs]( |$)/.test(each))
}
