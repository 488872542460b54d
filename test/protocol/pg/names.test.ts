import { describe as suite } from 'node:test'
import {
  executes,
  noAnalysis,
  prepares,
  reads,
  refused,
  sets,
  writes,
} from '../../support/analyses.ts'
import {
  bind,
  bindComplete,
  close,
  closeComplete,
  columns,
  complete,
  describe,
  describePortal,
  emptyQuery,
  error,
  execute,
  flush,
  message,
  noData,
  parameters,
  parse,
  parseComplete,
  query,
  ready,
  row,
  sync,
} from '../../support/messages.ts'
import { type Play, REFUSED, scene } from '../../support/playbook.ts'

const SHAPE = columns('a')
const ROWS = [row('1'), complete('SELECT 1')]

/** Parse and Sync of a named read; it becomes `hoop_<n>` on the target. */
function prepared(t: Play, name: string, text: string, upstream: string): void {
  t.client(parse(text, name), sync())
  t.asks(text, reads())
  t.sends(parse(text, upstream), sync())
  t.target(parseComplete, ready())
  t.replies(parseComplete, ready())
}

suite('names of statements and portals', () => {
  scene('PG-31: names above 63 bytes are refused', (t) => {
    const long = 's'.repeat(64)
    t.client(message('P', long, 'select 1', Buffer.alloc(2)), sync())
    t.shows('E 42622', 'Z I')
    t.client(bind({ portal: long }), sync())
    t.shows('E 42622', 'Z I')
  })

  scene('PG-31: two names that PostgreSQL would take for one are two', (t) => {
    prepared(t, `${'s'.repeat(62)}w`, 'select 1', 'hoop_1')
    prepared(t, `${'s'.repeat(62)}r`, 'select 2', 'hoop_2')
    t.client(bind({ statement: `${'s'.repeat(62)}r` }), sync())
    t.sends(bind({ statement: 'hoop_2' }), sync())
    t.target(bindComplete, ready())
    t.replies(bindComplete, ready())
  })

  scene('what is not there: 26000 and 34000', (t) => {
    t.client(bind({ statement: 'no' }), sync())
    t.shows('E 26000', 'Z I')
    t.client(describe('no'), sync())
    t.shows('E 26000', 'Z I')
    t.client(describePortal('no'), sync())
    t.shows('E 34000', 'Z I')
    t.client(execute('no'), sync())
    t.shows('E 34000', 'Z I')
  })

  scene('what is there already: 42P05 and 42P03', (t) => {
    prepared(t, 's', 'select 1', 'hoop_1')
    t.client(parse('select 2', 's'), sync())
    t.shows('E 42P05', 'Z I')
    const twice = [bind({ statement: 's', portal: 'p' }), bind({ statement: 's', portal: 'p' })]
    t.client(...twice, sync())
    t.sends(bind({ statement: 'hoop_1', portal: 'hoop_2' }), flush())
    t.target(bindComplete)
    t.shows('2', 'E 42P03')
    t.sends(sync())
    t.target(ready())
    t.shows('Z I')
  })

  scene('PG-34: a Query ends the statement without a name', (t) => {
    prepared(t, '', 'select 1', 'hoop_1')
    t.client(query(''))
    t.asks('')
    t.replies(emptyQuery, ready())
    t.client(bind(), sync())
    t.shows('E 26000', 'Z I')
  })

  scene('PG-33: a Parse without a name that fails ends the one before', (t) => {
    prepared(t, '', 'select 1', 'hoop_1')
    t.client(parse('selct'), sync())
    t.asksFor('selct', noAnalysis)
    t.sends(parse('selct', 'hoop_2'), sync())
    t.target(error('42601'), ready())
    t.shows('E 42601', 'Z I')
    t.client(bind(), sync())
    t.shows('E 26000', 'Z I')
  })

  scene('PG-33: also when the gate refused it', (t) => {
    prepared(t, '', 'select 1', 'hoop_1')
    t.client(parse('set role x'), sync())
    t.asks('set role x', refused('42501'))
    t.shows('E 42501', 'Z I')
    t.client(bind(), sync())
    t.shows('E 26000', 'Z I')
  })

  scene('what stands behind an error is not done: a Close too', (t) => {
    prepared(t, 's', 'select 1', 'hoop_1')
    t.client(parse('selct', 'bad'), close('s'), sync())
    t.asksFor('selct', noAnalysis)
    t.sends(parse('selct', 'hoop_2'), sync())
    t.target(error('42601'), ready())
    t.shows('E 42601', 'Z I')
    t.client(describe('s'), sync())
    t.sends(describe('hoop_1'), sync())
    t.target(parameters(), SHAPE, ready())
    t.replies(parameters(), SHAPE, ready())
  })

  scene('PG-47: a portal outlives the statement that it was bound to', (t) => {
    t.client(parse('select 1', 's'), bind({ statement: 's', portal: 'p' }), close('s'), flush())
    t.asks('select 1', reads())
    t.sends(parse('select 1', 'hoop_1'), bind({ statement: 'hoop_1', portal: 'hoop_2' }), flush())
    t.target(parseComplete, bindComplete)
    t.replies(parseComplete, bindComplete, closeComplete)
    t.client(parse('select 2', 's'), execute('p'), sync())
    t.asks('select 2', reads())
    t.allows('select 1')
    t.sends(
      close('hoop_1'),
      parse('select 2', 'hoop_3'),
      ...[describePortal('hoop_2'), execute('hoop_2'), sync()],
    )
    t.target(closeComplete, parseComplete, SHAPE, ...ROWS, ready())
    t.replies(parseComplete, ...ROWS, ready())
  })

  scene('PG-37: SQL PREPARE and protocol Bind are one name space', (t) => {
    t.client(query('prepare s as select 1'))
    t.asks('prepare s as select 1', prepares('s', reads()))
    t.allows('prepare s as select 1')
    t.hidden('prepare s as select 1', complete('PREPARE'), ready())
    t.shows('C PREPARE', 'Z I')
    t.client(bind({ statement: 's' }), execute(), sync())
    t.asks('prepare s as select 1', prepares('s', reads()))
    t.allows('prepare s as select 1')
    t.sends(bind({ statement: 's' }), describePortal(), execute(), sync())
    t.target(bindComplete, SHAPE, ...ROWS, ready())
    t.replies(bindComplete, ...ROWS, ready())
    t.client(close('s'), sync())
    t.sends(close('s'), sync())
    t.target(closeComplete, ready())
    t.replies(closeComplete, ready())
  })

  scene('PG-37: protocol Parse and SQL EXECUTE likewise, under the broker name', (t) => {
    prepared(t, 's', 'select 1', 'hoop_1')
    t.client(query('execute s'))
    t.asks('execute s', executes('s', 'execute s'))
    t.allows('execute s')
    t.sends(query('execute hoop_1'))
    t.target(SHAPE, ...ROWS, ready())
    t.replies(SHAPE, ...ROWS, ready())
  })

  scene('PG-51: what was a read at Parse may be a write at Bind', (t) => {
    prepared(t, 's', 'select f()', 'hoop_1')
    t.runs('set search_path = b', sets('search_path'), [complete('SET'), ready()])
    t.client(bind({ statement: 's' }), execute(), sync())
    t.looksUpPath('I', 'pg_catalog\nb')
    t.asks('select f()', writes('SELECT'))
    t.replies(bindComplete)
    const approve = t.holds('select f()')
    approve(REFUSED)
    t.shows('E 42501', 'Z I')
  })

  scene(
    'PG-50: what is known of the target is renewed: a statement is understood anew at Bind',
    (t) => {
      prepared(t, 's', 'select f()', 'hoop_1')
      t.give({ type: 'renewed' })
      t.client(bind({ statement: 's' }), execute(), sync())
      t.asks('select f()', writes('SELECT'))
      t.replies(bindComplete)
      const approve = t.holds('select f()')
      approve(REFUSED)
      t.shows('E 42501', 'Z I')
    },
  )

  scene('PG-51: nothing is understood behind SET search_path in the same pipeline', (t) => {
    const set = 'set search_path = b'
    t.client(parse(set), bind(), execute(), parse('select f()'), bind(), execute(), sync())
    t.asks(set, sets('search_path'))
    t.allows(set)
    t.sends(
      parse(set, 'hoop_1'),
      bind({ statement: 'hoop_1' }),
      describePortal(),
      execute(),
      flush(),
    )
    t.target(parseComplete, bindComplete, noData, complete('SET'))
    t.shows('1', '2', 'C SET', 'E 0A000')
    t.sends(sync())
    t.target(ready())
    t.shows('Z I')
  })
})
