import { describe as suite } from 'node:test'
import {
  begins,
  commits,
  exports,
  type Facts,
  reads,
  releases,
  rollsBack,
  rollsBackTo,
  saves,
  setsTransaction,
  shows,
  utility,
  writes,
} from '../../support/analyses.ts'
import {
  bind,
  bindComplete,
  close,
  closeComplete,
  columns,
  complete,
  describePortal,
  error,
  execute,
  flush,
  noData,
  parse,
  parseComplete,
  query,
  ready,
  row,
  sync,
} from '../../support/messages.ts'
import { GUARDED, type Play, REFUSED, scene } from '../../support/playbook.ts'

const GUARD = query('SAVEPOINT hoop_guard; SET TRANSACTION READ ONLY')
const NO_SAVEPOINT = 'ROLLBACK TO SAVEPOINT hoop_no_such_savepoint'
const ROWS = [columns('a'), row('1'), complete('SELECT 1'), ready('T')]

/** The client says it, the broker says it in its own words, and the tag comes back. */
function controls(t: Play, text: string, kind: Facts, said: string, tag: string, status: S): void {
  t.client(query(text))
  t.asks(text, kind)
  t.allows(text)
  t.hidden(said, complete(tag), ready(status))
  t.replies(complete(tag), ready(status))
}
type S = 'I' | 'T' | 'E'

function opens(t: Play): void {
  controls(t, 'begin', begins(), 'BEGIN READ WRITE', 'BEGIN', 'T')
}

/** A read in the block; the guard stands before the first. */
function readsIn(t: Play, guard: Buffer[] = []): void {
  t.client(query('select 1'))
  t.asks('select 1', reads())
  t.allows('select 1')
  t.sends(...guard, query('select 1'))
  t.target(...(guard.length > 0 ? GUARDED : []), ...ROWS)
  t.replies(...ROWS)
}

suite('transaction blocks', () => {
  scene('PG-71: BEGIN is READ WRITE, with a guard before the first statement', (t) => {
    opens(t)
    readsIn(t, [GUARD])
    readsIn(t)
    controls(t, 'commit', commits(), 'COMMIT', 'COMMIT', 'I')
  })

  scene('modes of BEGIN are kept, READ WRITE is said by the broker', (t) => {
    const modes = { access: 'read write', others: 'ISOLATION LEVEL SERIALIZABLE' } as const
    const said = 'BEGIN READ WRITE, ISOLATION LEVEL SERIALIZABLE'
    controls(t, 'begin isolation level serializable', begins(modes), said, 'BEGIN', 'T')
    const level = { others: 'ISOLATION LEVEL REPEATABLE READ' }
    const set = 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ'
    controls(t, 'set transaction x', setsTransaction(level), set, 'SET', 'T')
    readsIn(t, [GUARD])
  })

  scene('START TRANSACTION is said as such, because its answer has a tag of its own', (t) => {
    const starts = { type: 'begin', modes: { access: null, others: '' }, starts: true } as const
    const said = 'START TRANSACTION READ WRITE'
    controls(t, 'start', { ...begins(), command: starts }, said, 'START TRANSACTION', 'T')
    controls(t, 'rollback', rollsBack(), 'ROLLBACK', 'ROLLBACK', 'I')
  })

  scene('BEGIN in a block warns and moves no mode', (t) => {
    opens(t)
    controls(t, 'begin read write', begins({ access: 'read write' }), 'BEGIN', 'BEGIN', 'T')
  })

  scene('a block that is opened READ ONLY needs no guard, and asks nobody', (t) => {
    controls(t, 'begin read only', begins({ access: 'read only' }), 'BEGIN READ ONLY', 'BEGIN', 'T')
    readsIn(t)
    controls(t, 'savepoint a', saves('a'), 'SAVEPOINT "a"', 'SAVEPOINT', 'T')
    controls(t, 'rollback to a', rollsBackTo('a'), 'ROLLBACK TO SAVEPOINT "a"', 'ROLLBACK', 'T')
    t.client(query('delete from x'))
    t.asks('delete from x', writes('DELETE'))
    t.hidden(NO_SAVEPOINT, error('3B001'), ready('E'))
    t.shows('E 25006', 'Z E')
  })

  scene('a block that is made READ ONLY before anything else needs no guard either', (t) => {
    opens(t)
    const modes = { access: 'read only', others: 'ISOLATION LEVEL REPEATABLE READ' } as const
    const said = 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY'
    controls(t, 'set transaction x', setsTransaction(modes), said, 'SET', 'T')
    const view = { others: "SNAPSHOT '3-1B-1'" }
    const taken = "SET TRANSACTION SNAPSHOT '3-1B-1'"
    controls(t, 'set transaction y', setsTransaction(view), taken, 'SET', 'T')
    t.client(query('set transaction read write'))
    t.asks('set transaction read write', setsTransaction({ access: 'read write' }))
    t.allows('set transaction read write')
    t.shows('C SET', 'Z T')
    readsIn(t)
    t.client(query('delete from x'))
    t.asks('delete from x', writes('DELETE'))
    t.hidden(NO_SAVEPOINT, error('3B001'), ready('E'))
    t.shows('E 25006', 'Z E')
  })

  scene('what a READ ONLY block sees is exported as a read, and nothing else with it', (t) => {
    opens(t)
    const said = 'SET TRANSACTION READ ONLY'
    controls(t, 'read only', setsTransaction({ access: 'read only' }), said, 'SET', 'T')
    t.runs('select pg_export_snapshot()', exports(), ROWS)
    t.client(query('select pg_export_snapshot(), pg_reload_conf()'))
    t.asks('select pg_export_snapshot(), pg_reload_conf()', exports('pg_reload_conf'))
    t.hidden(NO_SAVEPOINT, error('3B001'), ready('E'))
    t.shows('E 25006', 'Z E')
  })

  scene('in a block that may write, exporting what it sees is held', (t) => {
    opens(t)
    t.client(query('select pg_export_snapshot()'))
    t.asks('select pg_export_snapshot()', exports())
    const decide = t.triesAndHolds('select pg_export_snapshot()', 'hoop_1', 'T')
    decide(REFUSED)
    t.hidden(NO_SAVEPOINT, error('3B001'), ready('E'))
    t.shows('E 42501', 'Z E')
  })

  scene('SET TRANSACTION READ ONLY behind a guard is kept by the gate: the guard stays', (t) => {
    opens(t)
    readsIn(t, [GUARD])
    t.client(query('set transaction read only'))
    t.asks('set transaction read only', setsTransaction({ access: 'read only' }))
    t.allows('set transaction read only')
    t.shows('C SET', 'Z T')
    readsIn(t)
    t.client(query('show transaction_read_only'))
    t.asks('show transaction_read_only', shows('transaction_read_only'))
    t.allows('show transaction_read_only')
    t.sends(query("SELECT 'on'::pg_catalog.text AS transaction_read_only"))
    t.target(columns('transaction_read_only'), row('on'), complete('SELECT 1'), ready('T'))
    t.replies(columns('transaction_read_only'), row('on'), complete('SHOW'), ready('T'))
  })

  scene('an error aborts the block: 25P02 from the gate until it ends', (t) => {
    opens(t)
    t.client(query('select 1/0'))
    t.asks('select 1/0', reads())
    t.allows('select 1/0')
    t.sends(GUARD, query('select 1/0'))
    t.target(...GUARDED, error('22012'), ready('E'))
    t.shows('E 22012', 'Z E')
    t.client(query('select 1'))
    t.asks('select 1', reads())
    t.shows('E 25P02', 'Z E')
    controls(t, 'commit', commits(), 'COMMIT', 'ROLLBACK', 'I')
    t.runs('select 1', reads(), [...ROWS.slice(0, 3), ready()])
  })

  scene('through the extended protocol the broker says them too', (t) => {
    t.client(parse('begin'), bind(), execute(), sync())
    t.asks('begin', begins())
    t.allows('begin')
    t.hidden('BEGIN READ WRITE', complete('BEGIN'), ready('T'))
    t.replies(parseComplete, bindComplete, complete('BEGIN'), ready('T'))
    readsIn(t, [GUARD])
  })

  scene(
    'a target in hot standby needs no guard',
    (t) => {
      controls(t, 'begin read write', begins({ access: 'read write' }), 'BEGIN ', 'BEGIN', 'T')
      readsIn(t)
    },
    { parameters: new Map([['in_hot_standby', 'on']]) },
  )
})

suite('savepoints', () => {
  scene('have broker names; the guard is always the innermost', (t) => {
    opens(t)
    readsIn(t, [GUARD])
    t.client(query('savepoint a'))
    t.asks('savepoint a', saves('a'))
    t.allows('savepoint a')
    t.hidden('RELEASE SAVEPOINT hoop_guard', complete('RELEASE'), ready('T'))
    t.hidden('SAVEPOINT hoop_c1', complete('SAVEPOINT'), ready('T'))
    t.replies(complete('SAVEPOINT'), ready('T'))
    readsIn(t, [GUARD])
    controls(t, 'rollback to a', rollsBackTo('a'), 'ROLLBACK TO SAVEPOINT hoop_c1', 'ROLLBACK', 'T')
    t.client(query('select 1'))
    t.looksUpPath('T')
    t.asks('select 1', reads())
    t.allows('select 1')
    t.sends(GUARD, query('select 1'))
    t.target(...GUARDED, ...ROWS)
    t.replies(...ROWS)
    controls(t, 'release a', releases('a'), 'RELEASE SAVEPOINT hoop_c1', 'RELEASE', 'T')
    readsIn(t, [GUARD])
  })

  scene('of the same name shadow one another', (t) => {
    opens(t)
    controls(t, 'savepoint a', saves('a'), 'SAVEPOINT hoop_c1', 'SAVEPOINT', 'T')
    controls(t, 'savepoint a', saves('a'), 'SAVEPOINT hoop_c2', 'SAVEPOINT', 'T')
    controls(t, 'release a', releases('a'), 'RELEASE SAVEPOINT hoop_c2', 'RELEASE', 'T')
    controls(t, 'release a', releases('a'), 'RELEASE SAVEPOINT hoop_c1', 'RELEASE', 'T')
    t.client(query('release a'))
    t.asks('release a', releases('a'))
    t.allows('release a')
    t.hidden('RELEASE SAVEPOINT "a"', error('3B001'), ready('E'))
    t.shows('E 3B001', 'Z E')
  })

  scene('RELEASE of an outer one takes the inner ones along', (t) => {
    opens(t)
    controls(t, 'savepoint a', saves('a'), 'SAVEPOINT hoop_c1', 'SAVEPOINT', 'T')
    controls(t, 'savepoint b', saves('b'), 'SAVEPOINT hoop_c2', 'SAVEPOINT', 'T')
    controls(t, 'release a', releases('a'), 'RELEASE SAVEPOINT hoop_c1', 'RELEASE', 'T')
    t.client(query('rollback to b'))
    t.asks('rollback to b', rollsBackTo('b'))
    t.allows('rollback to b')
    t.hidden('ROLLBACK TO SAVEPOINT "b"', error('3B001'), ready('E'))
    t.shows('E 3B001', 'Z E')
  })

  scene('PG-71: the names of the broker are not for the client', (t) => {
    opens(t)
    for (const kind of [saves, releases, rollsBackTo]) {
      t.client(query('x hoop_guard'))
      t.asks('x hoop_guard', kind('hoop_guard'))
      t.allows('x hoop_guard')
      t.hidden(NO_SAVEPOINT, error('3B001'), ready('E'))
      t.shows('E 42939', 'Z E')
      controls(t, 'rollback', rollsBack(), 'ROLLBACK', 'ROLLBACK', 'I')
      opens(t)
    }
  })
})

suite('units in a block', () => {
  scene('an approved write stands in the transaction of the client, without the guard', (t) => {
    opens(t)
    readsIn(t, [GUARD])
    t.client(query('delete from x'))
    t.asks('delete from x', writes('DELETE'))
    t.judges('delete from x', true).tell({ kind: 'held', request: '', message: '', hint: '' })
    t.sends(parse('delete from x', 'hoop_1'), close('hoop_1'), sync())
    t.target(parseComplete, closeComplete, ready('T'))
    const approve = t.holds('delete from x')
    t.done()
    approve()
    t.hidden('RELEASE SAVEPOINT hoop_guard', complete('RELEASE'), ready('T'))
    t.sends(query('delete from x'))
    t.target(complete('DELETE 1'), ready('T'))
    t.settles('ok', 1)
    t.shows('C DELETE 1', 'Z T')
    t.client(query('select 1'))
    t.looksUpPath('T')
    t.asks('select 1', reads())
    t.allows('select 1')
    t.sends(GUARD, query('select 1'))
    t.target(...GUARDED, ...ROWS)
    t.replies(...ROWS)
  })

  scene('PG-61: a rejected write aborts the transaction on the target too', (t) => {
    opens(t)
    t.client(query('delete from x'))
    t.asks('delete from x', writes('DELETE'))
    const reject = t.triesAndHolds('delete from x', 'hoop_1', 'T')
    reject(REFUSED)
    t.hidden(NO_SAVEPOINT, error('3B001'), ready('E'))
    t.shows('E 42501', 'Z E')
    controls(t, 'commit', commits(), 'COMMIT', 'ROLLBACK', 'I')
  })

  scene('writes that follow one another in a pipeline are one unit in a block too', (t) => {
    opens(t)
    const pipeline = ['insert 1', 'insert 2'].flatMap((text) => [parse(text), bind(), execute()])
    t.client(...pipeline, sync())
    for (const text of ['insert 1', 'insert 2']) t.asks(text, writes('INSERT'))
    t.sends(GUARD, parse('insert 1', 'hoop_1'), flush())
    t.target(...GUARDED, parseComplete)
    t.replies(parseComplete, bindComplete)
    t.sends(sync())
    t.target(ready('T'))
    const approve = t.holds('insert 1;\ninsert 2')
    approve()
    t.hidden('RELEASE SAVEPOINT hoop_guard', complete('RELEASE'), ready('T'))
    const first = [bind({ statement: 'hoop_1' }), describePortal(), execute()]
    const second = [bind({ statement: 'hoop_2' }), describePortal(), execute()]
    t.sends(...first, parse('insert 2', 'hoop_2'), ...second, sync())
    t.target(bindComplete, noData, complete('INSERT 0 1'))
    t.target(parseComplete, bindComplete, noData, complete('INSERT 0 1'), ready('T'))
    t.settles('ok', 2)
    t.shows('C INSERT 0 1', '1', '2', 'C INSERT 0 1', 'Z T')
  })

  scene(
    'with roles the writer is for the unit alone',
    (t) => {
      opens(t)
      t.client(query('alter table x'))
      t.asks('alter table x', utility())
      t.judges('alter table x', true).tell({ kind: 'allow' })
      t.allows('alter table x')
      t.hidden('SET LOCAL ROLE "w""1"', complete('SET'), ready('T'))
      t.sends(query('alter table x'))
      t.target(complete('ALTER TABLE'), ready('T'))
      t.hidden('SET LOCAL ROLE "r"', complete('SET'), ready('T'))
      t.shows('C ALTER TABLE', 'Z T')
    },
    { roles: { reader: 'r', writer: 'w"1' } },
  )
})
