import assert from 'node:assert/strict'
import { describe as suite } from 'node:test'
import { copiesIn, copiesOut, reads } from '../../support/analyses.ts'
import {
  bind,
  bindComplete,
  close,
  closeComplete,
  columns,
  complete,
  copyDataIn,
  copyDataOut,
  copyDone,
  copyDoneOut,
  copyFail,
  copyInResponse,
  copyOutResponse,
  describe,
  emptyQuery,
  error,
  execute,
  parameters,
  parse,
  parseComplete,
  query,
  ready,
  sync,
} from '../../support/messages.ts'
import { HELD, type Play, REFUSED, scene } from '../../support/playbook.ts'

const COPY = 'copy x from stdin'

/** A COPY that policy holds: the gate takes the data itself. */
function startsHeld(t: Play): void {
  t.client(query(COPY))
  t.asks(COPY, copiesIn(2))
  t.judges(COPY, true).tell(HELD)
  t.replies(copyInResponse(2))
}

function spools(t: Play, ...data: string[]): void {
  t.client(...data.map(copyDataIn))
  for (const each of data) t.spools(each)
}

/** A COPY that policy allows: the target asks for the data. */
function startsAllowed(t: Play): void {
  t.client(query(COPY))
  t.asks(COPY, copiesIn(2))
  t.judges(COPY, true).tell({ kind: 'allow' })
  t.judges(COPY, true).tell({ kind: 'allow' })
  t.allows(COPY)
  t.window.opens()
  t.sends(query(COPY))
  t.target(copyInResponse(2))
  t.replies(copyInResponse(2))
}

suite('COPY FROM STDIN, held', () => {
  scene('is spooled, held at its end, and replayed once it is approved', (t) => {
    startsHeld(t)
    spools(t, '1\ta\n', '2\tb\n')
    t.client(copyDone())
    const approve = t.holds(COPY)
    t.done()
    approve()
    t.window.opens()
    t.sends(query(COPY))
    t.target(copyInResponse(2))
    t.says('replay')
    t.give({ type: 'spooled', bytes: Buffer.from('1\ta\n2\tb\n') })
    t.sends(copyDataIn('1\ta\n2\tb\n'))
    t.give({ type: 'spool-end' })
    t.sends(copyDone())
    t.target(complete('COPY 2'), ready())
    t.settles('ok', 2)
    t.window.closes()
    t.says('unspool')
    t.shows('C COPY 2', 'Z I')
  })

  scene('rejected: nothing of it reaches the target', (t) => {
    startsHeld(t)
    spools(t, '1\ta\n')
    t.client(copyDone())
    t.holds(COPY)(REFUSED)
    t.says('unspool')
    t.shows('E 42501', 'Z I')
  })

  scene('given up by the client: 57014, and nobody is asked', (t) => {
    startsHeld(t)
    spools(t, '1\ta\n')
    t.client(copyFail('changed my mind'))
    t.says('unspool')
    t.shows('E 57014', 'Z I')
  })

  scene('cancelled while it is spooled', (t) => {
    startsHeld(t)
    t.give({ type: 'cancel' })
    t.says('unspool')
    t.shows('E 57014', 'Z I')
    t.client(copyDataIn('late'), copyDone())
    t.runs('select 1', reads(), [columns('a'), complete('SELECT 0'), ready()])
  })

  scene('PG-78: Sync and Flush within are nothing, a Query ends the session', (t) => {
    startsHeld(t)
    t.client(sync())
    t.done()
    t.client(query('select 1'))
    t.shows('E 08P01')
    t.closes('client')
  })

  scene('by the extended protocol: the Sync behind Execute is part of the COPY', (t) => {
    t.client(parse(COPY), bind(), execute(), sync())
    t.asks(COPY, copiesIn(2))
    t.judges(COPY, true).tell(HELD)
    t.replies(parseComplete, bindComplete, copyInResponse(2))
    spools(t, '1\ta\n')
    t.client(copyDone(), sync())
    t.holds(COPY)(REFUSED)
    t.says('unspool')
    t.shows('E 42501', 'Z I')
  })

  scene('the target ends a replay with an error', (t) => {
    startsHeld(t)
    spools(t, 'x')
    t.client(copyDone())
    t.holds(COPY)()
    t.window.opens()
    t.sends(query(COPY))
    t.target(copyInResponse(2))
    t.says('replay')
    t.give({ type: 'spooled', bytes: Buffer.from('x') })
    t.sends(copyDataIn('x'))
    t.target(error('22P04'), ready())
    t.settles('error')
    t.window.closes()
    t.says('unspool')
    t.give({ type: 'spooled', bytes: Buffer.from('late') })
    t.shows('E 22P04', 'Z I')
  })
})

suite('COPY FROM STDIN, allowed', () => {
  scene('is streamed', (t) => {
    startsAllowed(t)
    t.client(copyDataIn('1\ta\n'))
    assert.equal(t.copied, '1\ta\n')
    t.sends(copyDataIn('1\ta\n'))
    t.client(copyDone())
    t.sends(copyDone())
    t.target(complete('COPY 1'), ready())
    t.window.closes()
    t.shows('C COPY 1', 'Z I')
  })

  scene('PG-78: data that come after an error are thrown away', (t) => {
    startsAllowed(t)
    t.client(copyDataIn('x'))
    t.sends(copyDataIn('x'))
    t.target(error('22P04'), ready())
    t.window.closes()
    t.shows('E 22P04', 'Z I')
    t.client(copyDataIn('more'), copyDone(), query(''))
    t.looksUpPath()
    t.asks('')
    t.replies(emptyQuery, ready())
  })

  scene('a client that goes away in the middle ends the session, without CopyDone', (t) => {
    startsAllowed(t)
    t.client(copyDataIn('x'))
    t.sends(copyDataIn('x'))
    t.give({ type: 'client-closed' })
    t.closes('none')
  })
})

suite('COPY TO STDOUT', () => {
  scene('is described by a SELECT with the same columns, then runs', (t) => {
    const text = 'copy x to stdout'
    t.client(query(text))
    t.asks(text, copiesOut('select a from x'))
    t.allows(text)
    t.sends(parse('select a from x', 'hoop_1'), describe('hoop_1'), close('hoop_1'), sync())
    t.target(parseComplete, parameters(), columns('a'), closeComplete, ready())
    t.sends(query(text))
    const rows = [copyDataOut('1\n'), copyDataOut('2\n'), copyDoneOut]
    t.target(copyOutResponse(1), ...rows, complete('COPY 2'), ready())
    t.replies(copyOutResponse(1), ...rows, complete('COPY 2'), ready())
  })

  scene('what cannot be described does not run', (t) => {
    const text = 'copy x to stdout'
    t.client(query(text))
    t.asks(text, copiesOut('select a from x'))
    t.allows(text)
    t.sends(parse('select a from x', 'hoop_1'), describe('hoop_1'), close('hoop_1'), sync())
    t.target(error('42P01'), ready())
    t.shows('E 42P01', 'Z I')
  })
})
