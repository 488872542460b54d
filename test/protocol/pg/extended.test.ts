import assert from 'node:assert/strict'
import { describe as suite } from 'node:test'
import { noAnalysis, reads, writes } from '../../support/analyses.ts'
import {
  bind,
  bindComplete,
  closeComplete,
  closePortal,
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
  suspended,
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

suite('extended query: reads', () => {
  scene('P B D E S, as JDBC says it, goes under broker names in one piece', (t) => {
    t.client(parse('select 1'), bind(), describePortal(), execute(), sync())
    t.asks('select 1', reads())
    t.allows('select 1')
    t.sends(
      parse('select 1', 'hoop_1'),
      bind({ statement: 'hoop_1' }),
      describePortal(),
      execute(),
      sync(),
    )
    t.target(parseComplete, bindComplete, SHAPE, ...ROWS, ready())
    t.replies(parseComplete, bindComplete, SHAPE, ...ROWS, ready())
  })

  scene('PG-43: Execute without Describe: the gate describes for itself', (t) => {
    t.client(parse('select 1'), bind(), execute(), sync())
    t.asks('select 1', reads())
    t.allows('select 1')
    t.sends(
      parse('select 1', 'hoop_1'),
      bind({ statement: 'hoop_1' }),
      describePortal(),
      execute(),
      sync(),
    )
    t.target(parseComplete, bindComplete, SHAPE, ...ROWS, ready())
    t.replies(parseComplete, bindComplete, ...ROWS, ready())
  })

  scene('PG-64: P D H, then B E S, as asyncpg and postgres.js say it', (t) => {
    t.client(parse('select $1', 's'), describe('s'), flush())
    t.asks('select $1', reads())
    t.sends(parse('select $1', 'hoop_1'), describe('hoop_1'), flush())
    t.target(parseComplete, parameters(25), SHAPE)
    t.replies(parseComplete, parameters(25), SHAPE)
    t.client(bind({ statement: 's', values: ['x'] }), execute(), sync())
    t.allows('select $1')
    t.sends(bind({ statement: 'hoop_1', values: ['x'] }), describePortal(), execute(), sync())
    t.target(bindComplete, SHAPE, ...ROWS, ready())
    t.replies(bindComplete, ...ROWS, ready())
  })

  scene('a pipeline of reads is one piece', (t) => {
    t.client(parse('select 1'), bind(), execute(), parse('select 2'), bind(), execute(), sync())
    t.asks('select 1', reads())
    t.asks('select 2', reads())
    t.allows('select 1;\nselect 2')
    const once = (text: string, name: string) => [
      parse(text, name),
      bind({ statement: name }),
      describePortal(),
      execute(),
    ]
    t.sends(
      ...once('select 1', 'hoop_1'),
      ...once('select 2', 'hoop_2').slice(0, 1),
      ...once('select 2', 'hoop_2').slice(1),
      sync(),
    )
    const answers = [parseComplete, bindComplete, SHAPE, ...ROWS]
    t.target(...answers, ...answers, ready())
    t.shows(
      '1',
      '2',
      'D ··········1'.replace('··········', '·\x01···\x01'),
      'C SELECT 1',
      '1',
      '2',
      'D ·\x01···\x011',
      'C SELECT 1',
      'Z I',
    )
  })

  scene('PG-42: two portals with a row limit, interleaved: rows belong to their own', (t) => {
    prepared(t, 's', 'select ssn', 'hoop_1')
    prepared(t, 'n', 'select name', 'hoop_2')
    const pipeline = [
      bind({ statement: 's', portal: 'pa' }),
      bind({ statement: 'n', portal: 'pb' }),
      ...[execute('pa', 1), execute('pb', 1), execute('pa', 1), execute('pb', 1)],
    ]
    t.client(...pipeline, sync())
    t.allows('select ssn;\nselect name;\nselect ssn;\nselect name')
    t.sends(
      bind({ statement: 'hoop_1', portal: 'hoop_3' }),
      bind({ statement: 'hoop_2', portal: 'hoop_4' }),
      ...[describePortal('hoop_3'), execute('hoop_3', 1)],
      ...[describePortal('hoop_4'), execute('hoop_4', 1)],
      ...[execute('hoop_3', 1), execute('hoop_4', 1)],
      sync(),
    )
    t.target(bindComplete, bindComplete)
    t.replies(bindComplete, bindComplete)
    const [ssn, name] = [columns('ssn'), columns('name')]
    t.target(ssn, row('1'), suspended, name, row('a'), suspended)
    t.target(row('2'), complete('SELECT 1'), row('b'), complete('SELECT 1'), ready())
    const shown = [row('1'), suspended, row('a'), suspended, row('2'), complete('SELECT 1')]
    t.replies(...shown, row('b'), complete('SELECT 1'), ready())
  })

  scene('PG-46: a negative row limit is none', (t) => {
    t.client(parse('select 1'), bind(), execute('', 0xfffffffe), sync())
    t.asks('select 1', reads())
    t.allows('select 1')
    const sent = [parse('select 1', 'hoop_1'), bind({ statement: 'hoop_1' }), describePortal()]
    t.sends(...sent, execute(), sync())
    t.target(parseComplete, bindComplete, SHAPE, ...ROWS, ready())
    t.shows('1', '2', 'D ·\x01···\x011', 'C SELECT 1', 'Z I')
  })

  scene('PG-49: an empty statement is parsed and run as nothing', (t) => {
    t.client(parse(''), bind(), execute(), sync())
    t.asks('')
    t.sends(parse('', 'hoop_1'), bind({ statement: 'hoop_1' }), describePortal(), execute(), sync())
    t.target(parseComplete, bindComplete, noData, emptyQuery, ready())
    t.replies(parseComplete, bindComplete, emptyQuery, ready())
  })
})

suite('extended query: errors', () => {
  scene('PG-60: everything behind an error is skipped to Sync, a Query too', (t) => {
    t.client(parse('selct'), query('select 99'), parse('select 1'), bind(), execute(), sync())
    t.asksFor('selct', noAnalysis)
    t.sends(parse('selct', 'hoop_1'), flush())
    t.target(error('42601'))
    t.sends(sync())
    t.target(ready())
    t.shows('E 42601', 'Z I')
  })

  scene('an error after Flush skips to Sync', (t) => {
    t.client(parse('selct'), flush())
    t.asksFor('selct', noAnalysis)
    t.sends(parse('selct', 'hoop_1'), flush())
    t.target(error('42601'))
    t.shows('E 42601')
    t.client(query('select 1'), bind(), execute(), flush())
    t.done()
    t.client(sync())
    t.sends(sync())
    t.target(ready())
    t.shows('Z I')
  })

  scene('PG-61: an error of the gate skips as well, without a Sync that nobody needs', (t) => {
    t.client(bind({ statement: 'no' }), flush())
    t.shows('E 26000')
    t.client(query('select 1'), parse('select 1'), sync(), sync())
    t.shows('Z I', 'Z I')
  })

  scene('an approved unit that fails after Flush skips as well', (t) => {
    t.client(parse('delete from x'), bind(), execute(), flush())
    t.asks('delete from x', writes('DELETE'))
    t.sends(parse('delete from x', 'hoop_1'), sync())
    t.target(parseComplete, ready())
    t.allows('delete from x')
    t.window.opens()
    t.sends(bind({ statement: 'hoop_1' }), describePortal(), execute(), sync())
    t.target(bindComplete, noData, error('23503'), ready())
    t.window.closes()
    t.shows('1', '2', 'E 23503')
    t.client(parse('select 1'), sync())
    t.shows('Z I')
  })

  scene('PG-48: two statements in one Parse', (t) => {
    t.client(parse('select 1; select 2'), sync())
    t.asks('select 1; select 2', reads(), reads())
    t.shows('E 42601', 'Z I')
  })

  scene('PG-77: FunctionCall is refused, after what came before it', (t) => {
    t.client(parse('selct'), message('F', Buffer.alloc(8)), sync())
    t.asksFor('selct', noAnalysis)
    t.sends(parse('selct', 'hoop_1'), flush())
    t.target(error('42601'))
    t.sends(sync())
    t.target(ready())
    t.shows('E 42601', 'Z I')
    t.client(message('F', Buffer.alloc(8)))
    t.shows('E 0A000', 'Z I')
  })
})

suite('extended query: what changes', () => {
  scene('PG-52: not even its Bind reaches the target before the approval', (t) => {
    const text = 'update x set y = $1'
    t.client(parse(text), bind({ values: ['1'] }), describePortal(), execute(), sync())
    t.asks(text, writes())
    t.sends(parse(text, 'hoop_1'), describe('hoop_1'), sync())
    t.target(parseComplete, parameters(25), noData, ready())
    t.replies(parseComplete, bindComplete, noData)
    const approve = t.holds(text)
    t.done()
    approve()
    t.window.opens()
    t.sends(bind({ statement: 'hoop_1', values: ['1'] }), describePortal(), execute(), sync())
    t.target(bindComplete, noData, complete('UPDATE 1'), ready())
    t.replies(complete('UPDATE 1'))
    t.settles('ok', 1)
    t.window.closes()
    t.replies(ready())
  })

  scene('PG-35, PG-36: what is approved is what was bound', (t) => {
    const text = 'delete from x where id = $1'
    t.client(parse(text, 's'), describe('s'), flush())
    t.asks(text, writes('DELETE'))
    t.sends(parse(text, 'hoop_1'), describe('hoop_1'), flush())
    t.target(parseComplete, parameters(23), noData)
    t.replies(parseComplete, parameters(23), noData)
    t.client(bind({ statement: 's', values: ['7'] }), execute(), sync())
    t.sends(sync())
    t.target(ready())
    const { unit, tell } = t.judges(text)
    assert.deepEqual(unit.executions[0]?.parameters?.values.map(String), ['7'])
    t.client(parse('delete from x', 't'), bind({ statement: 's', values: ['%'] }))
    t.sends()
    tell(REFUSED)
    t.shows('2', 'E 42501', 'Z I')
  })

  scene('PG-55: a pipeline with any write is one unit to its Sync', (t) => {
    const [read, write] = ['select 1', 'delete from x']
    t.client(parse(read), bind(), execute(), parse(write), bind(), execute(), sync())
    t.asks(read, reads())
    t.asks(write, writes('DELETE'))
    t.sends(parse(read, 'hoop_1'), sync())
    t.target(parseComplete, ready())
    t.replies(parseComplete, bindComplete)
    const approve = t.holds(`${read};\n${write}`)
    t.done()
    approve()
    t.window.opens()
    t.sends(
      ...[bind({ statement: 'hoop_1' }), describePortal(), execute()],
      parse(write, 'hoop_2'),
      bind({ statement: 'hoop_2' }),
      ...[describePortal(), execute(), sync()],
    )
    t.target(bindComplete, SHAPE, ...ROWS)
    t.target(parseComplete, bindComplete, noData, complete('DELETE 2'), ready())
    t.replies(...ROWS, parseComplete, bindComplete, complete('DELETE 2'))
    t.settles('ok', 3)
    t.window.closes()
    t.replies(ready())
  })

  scene('a write behind reads that were flushed without Sync: 0A000', (t) => {
    t.client(parse('select 1'), bind(), execute(), flush())
    t.asks('select 1', reads())
    t.allows('select 1')
    const sent = [parse('select 1', 'hoop_1'), bind({ statement: 'hoop_1' }), describePortal()]
    t.sends(...sent, execute(), flush())
    t.target(parseComplete, bindComplete, SHAPE, ...ROWS)
    t.replies(parseComplete, bindComplete, ...ROWS)
    t.client(parse('delete from x'), bind(), execute(), sync())
    t.asks('delete from x', writes('DELETE'))
    t.shows('E 0A000')
    t.sends(sync())
    t.target(ready())
    t.shows('Z I')
  })

  scene('PG-52: what is bound behind an approved write and not run is not planned with it', (t) => {
    const [write, more] = ['delete from x', 'select sly()']
    t.client(parse(write), bind(), execute(), parse(more), bind(), sync())
    t.asks(write, writes('DELETE'))
    t.asks(more, writes('SELECT'))
    t.sends(parse(write, 'hoop_1'), sync())
    t.target(parseComplete, ready())
    t.allows(write)
    t.window.opens()
    t.sends(
      ...[bind({ statement: 'hoop_1' }), describePortal(), execute()],
      ...[parse(more, 'hoop_2'), sync()],
    )
    t.target(bindComplete, noData, complete('DELETE 1'), parseComplete, ready())
    t.window.closes()
    t.shows('1', '2', 'C DELETE 1', '1', '2', 'Z I')
  })

  scene('a write that an error would undo is not run, and nobody is asked', (t) => {
    t.client(parse('delete from x'), bind(), execute(), bind({ statement: 'no' }), sync())
    t.asks('delete from x', writes('DELETE'))
    t.shows('E 26000', 'Z I')
  })

  scene('a text that only the target can read is held at Execute', (t) => {
    t.client(parse('new syntax'), bind(), execute(), sync())
    t.asksFor('new syntax', noAnalysis)
    t.sends(parse('new syntax', 'hoop_1'), sync())
    t.target(parseComplete, ready())
    t.replies(parseComplete, bindComplete)
    const approve = t.holds('new syntax')
    approve(REFUSED)
    t.shows('E 42501', 'Z I')
  })

  scene('a Close of a portal that was never sent is answered by the gate', (t) => {
    t.client(parse('delete from x'), bind({ portal: 'p' }), closePortal('p'), sync())
    t.asks('delete from x', writes('DELETE'))
    t.sends(parse('delete from x', 'hoop_1'), sync())
    t.target(parseComplete, ready())
    t.replies(parseComplete, bindComplete, closeComplete, ready())
  })
})
