import { describe } from 'node:test'
import {
  begins,
  commits,
  noAnalysis,
  reads,
  refused,
  sets,
  writes,
} from '../../support/analyses.ts'
import {
  close,
  columns,
  complete,
  emptyQuery,
  error,
  parse,
  query,
  ready,
  row,
  sync,
  terminate,
} from '../../support/messages.ts'
import { REFUSED, scene } from '../../support/playbook.ts'

const ONE = [columns('?column?'), row('1'), complete('SELECT 1'), ready()]

describe('simple query', () => {
  scene('a read goes out as it came, and its rows come back', (t) => {
    t.client(query('select 1'))
    t.asks('select 1', reads())
    t.allows('select 1')
    t.sends(query('select 1'))
    t.target(...ONE)
    t.replies(...ONE)
  })

  scene('PG-49: an empty text is answered by the gate', (t) => {
    t.client(query('-- nothing'))
    t.asks('-- nothing')
    t.replies(emptyQuery, ready())
  })

  scene('PG-62: an error of a simple query skips nothing', (t) => {
    t.runs('select 1/0', reads(), [error('22012'), ready()])
    t.runs('select 1', reads(), ONE)
  })

  scene('two queries in one segment are answered in order', (t) => {
    t.client(query('select 1'), query('select 2'))
    for (const text of ['select 1', 'select 2']) {
      t.asks(text, reads())
      t.allows(text)
      t.sends(query(text))
      t.target(...ONE)
      t.replies(...ONE)
    }
  })

  scene('what policy refuses is never sent', (t) => {
    t.client(query('delete from x'))
    t.asks('delete from x', writes())
    t.judges('delete from x', true).tell(REFUSED)
    t.shows('E 42501', 'Z I')
  })

  scene('what facts refuse is not even judged', (t) => {
    t.client(query('set role x'))
    t.asks('set role x', refused('42501'))
    t.shows('E 42501', 'Z I')
  })

  scene('PG-65: several statements are one decision and one query', (t) => {
    const text = 'select 1; update x set y = 1; select 2'
    t.client(query(text))
    t.asks(text, reads(), writes(), reads())
    const approve = t.holds(text)
    t.done()
    approve()
    t.window.opens()
    t.sends(query(text))
    const rows = [columns('a'), row('1'), complete('SELECT 1')]
    t.target(...rows, complete('UPDATE 3'), ...rows, ready())
    t.replies(...rows, complete('UPDATE 3'), ...rows)
    t.settles('ok', 5)
    t.window.closes()
    t.replies(ready())
  })

  scene('with transaction control they are run one by one, to the first error', (t) => {
    const text = 'begin; select 1/0; commit'
    t.client(query(text))
    t.asks(text, begins(), reads(), commits())
    t.allows('begin')
    t.hidden('BEGIN READ WRITE', complete('BEGIN'), ready('T'))
    t.allows('select 1/0')
    t.sends(query('SAVEPOINT hoop_guard; SET TRANSACTION READ ONLY'), query('select 1/0'))
    t.target(complete('SAVEPOINT'), complete('SET'), ready('T'), error('22012'), ready('E'))
    t.shows('C BEGIN', 'E 22012', 'Z E')
  })

  scene('a write that fails outside a block ends the query too', (t) => {
    const text = 'update x set y = 1; begin'
    t.client(query(text))
    t.asks(text, writes(), begins())
    t.judges('update x set y = 1', true).tell({ kind: 'allow' })
    t.allows('update x set y = 1')
    t.window.opens()
    t.sends(query('update x set y = 1'))
    t.target(error('23505'), ready())
    t.window.closes()
    t.shows('E 23505', 'Z I')
  })

  scene('PG-51: names after SET search_path are looked up anew', (t) => {
    const text = 'set search_path = b; select f()'
    t.client(query(text))
    t.asks(text, sets('search_path'), reads())
    t.allows('set search_path = b')
    t.hidden('set search_path = b', complete('SET'), ready())
    t.looksUpPath('I', 'pg_catalog\nb')
    t.asks('select f()', writes('SELECT'))
    const approve = t.triesAndHolds('select f()', 'hoop_1')
    approve(REFUSED)
    t.shows('C SET', 'E 42501', 'Z I')
  })

  scene('a text that only the target can read is held', (t) => {
    const text = 'select new syntax'
    t.client(query(text))
    t.asksFor(text, noAnalysis)
    const approve = t.triesAndHolds(text, 'hoop_1')
    approve(REFUSED)
    t.shows('E 42501', 'Z I')
  })

  scene('a text that nobody can read has the error of the target', (t) => {
    t.client(query('selct'))
    t.asksFor('selct', noAnalysis)
    t.judges('selct', true).tell({ kind: 'held', request: '', message: '', hint: '' })
    t.sends(parse('selct', 'hoop_1'), close('hoop_1'), sync())
    t.target(error('42601'), ready())
    t.shows('E 42601', 'Z I')
  })

  scene('Sync by itself has its ReadyForQuery', (t) => {
    t.client(sync())
    t.replies(ready())
  })

  scene('Terminate ends the session', (t) => {
    t.client(terminate())
    t.closes('none')
  })
})
