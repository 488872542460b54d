import assert from 'node:assert/strict'
import { describe as suite } from 'node:test'
import { reads, writes } from '../../support/analyses.ts'
import {
  columns,
  complete,
  copyDataIn,
  copyDone,
  error,
  int16,
  message,
  parameterStatus,
  parse,
  query,
  ready,
  row,
  suspended,
  sync,
  terminate,
} from '../../support/messages.ts'
import { APPROVED, type Play, REFUSED, scene } from '../../support/playbook.ts'

const WRITE = 'delete from x'

function waits(t: Play): ReturnType<Play['holds']> {
  t.client(query(WRITE))
  t.asks(WRITE, writes('DELETE'))
  return t.triesAndHolds(WRITE, 'hoop_1')
}

/** A read is on its way. */
function running(t: Play, text = 'select 1'): void {
  t.client(query(text))
  t.asks(text, reads())
  t.allows(text)
  t.sends(query(text))
}

suite('cancel', () => {
  scene('PG-89: of what is held withdraws it: 57014', (t) => {
    waits(t)
    t.give({ type: 'cancel' })
    assert.match(t.says('withdraw').why, /cancelled/)
    t.shows('E 57014', 'Z I')
  })

  scene('PG-89: while it runs is passed on', (t) => {
    running(t)
    t.give({ type: 'cancel' })
    t.says('cancel-target')
    t.target(error('57014'), ready())
    t.shows('E 57014', 'Z I')
  })

  scene('PG-89: too late, it hits nothing: not the next statement either', (t) => {
    t.give({ type: 'cancel' })
    t.runs('select 1', reads(), [columns('a'), complete('SELECT 0'), ready()])
    const done = [columns('a'), complete('SELECT 0'), ready()]
    t.client(query('select 2'))
    t.give({ type: 'cancel' })
    t.asks('select 2', reads())
    t.allows('select 2')
    t.sends(query('select 2'))
    t.target(...done)
    t.replies(...done)
    const approve = waits(t)
    approve(REFUSED)
    t.shows('E 42501', 'Z I')
  })
})

suite('who goes away', () => {
  scene('PG-86: the client, while its request waits: withdrawn', (t) => {
    waits(t)
    t.give({ type: 'client-closed' })
    t.says('withdraw')
    t.closes('none')
  })

  scene('PG-86: the same with Terminate', (t) => {
    waits(t)
    t.client(terminate())
    t.says('withdraw')
    t.closes('none')
  })

  scene('PG-86: the same when Terminate came along with the statement', (t) => {
    t.client(query(WRITE), terminate())
    t.asks(WRITE, writes('DELETE'))
    t.triesAndHolds(WRITE, 'hoop_1')
    t.says('withdraw')
    t.closes('none')
  })

  scene('while its read runs: cancelled at the target, and followed to its end', (t) => {
    running(t)
    t.client(query('select 2'))
    t.give({ type: 'client-closed' })
    t.says('cancel-target')
    t.done()
    t.target(columns('a'), complete('SELECT 0'), ready())
    t.replies(columns('a'), complete('SELECT 0'), ready())
    t.closes('none')
  })

  scene('the same with Terminate, and nothing is heard of behind it', (t) => {
    running(t)
    t.client(query('select 2'), terminate(), query('select 3'))
    assert.equal(t.says('cancel-target').by, 'gone')
    t.client(query('select 4'))
    t.give({ type: 'client-closed' })
    t.done()
    t.target(error('57014'), ready())
    t.shows('E 57014', 'Z I')
    t.closes('none')
  })

  scene('Terminate that came along with a read: it was asked for, and is answered', (t) => {
    t.client(query('select 1'), terminate())
    t.asks('select 1', reads())
    t.allows('select 1')
    t.sends(query('select 1'))
    t.target(columns('a'), complete('SELECT 0'), ready())
    t.replies(columns('a'), complete('SELECT 0'), ready())
    t.closes('none')
  })

  scene('a write that was approved runs to its end, whoever says Terminate', (t) => {
    waits(t)(APPROVED)
    t.window.opens()
    t.sends(query(WRITE))
    t.client(terminate())
    t.target(complete('DELETE 1'), ready())
    t.window.closes()
    t.settles('ok', 1)
    t.shows('C DELETE 1', 'Z I')
    t.closes('none')
  })

  scene('PG-84: the target, in the middle of a result: FATAL, no made-up end', (t) => {
    running(t)
    t.target(columns('a'), row('1'))
    t.replies(columns('a'), row('1'))
    t.give({ type: 'target-closed', why: 'reset' })
    t.shows('E 57P01')
    t.closes('target')
  })

  scene('PG-84: the target, while an approved write runs: its outcome is unknown', (t) => {
    waits(t)()
    t.window.opens()
    t.sends(query(WRITE))
    t.give({ type: 'target-closed', why: 'reset' })
    t.settles('unknown')
    t.shows('E 57P01')
    t.closes('target')
  })

  scene('PG-84: the target, before the approved write was sent: unknown as well', (t) => {
    waits(t)()
    t.sends(query('SET default_transaction_read_only = off'))
    t.give({ type: 'target-closed', why: 'reset' })
    t.settles('unknown')
    t.shows('E 57P01')
    t.closes('target')
  })
})

suite('a client that breaks the protocol', () => {
  const broken: Readonly<Record<string, Buffer>> = {
    'PG-21: length 0': Buffer.from([0x51, 0, 0, 0, 0]),
    'PG-21: length 3': Buffer.from([0x51, 0, 0, 0, 3]),
    'PG-21: length -1': Buffer.from([0x51, 255, 255, 255, 255]),
    'PG-21: length 2 GB': Buffer.from([0x51, 0x7f, 255, 255, 255]),
    'PG-21: a Sync of 20 kB': Buffer.from([0x53, 0, 0, 0x4e, 0x20]),
    'PG-24: a NUL inside of a Query': message('Q', 'select 1', '; delete from audit'),
    'PG-25: a Query without its end': message('Q', Buffer.from('select 1')),
    'PG-25: a Sync with a body': message('S', Buffer.from('x')),
    'PG-25: bytes behind the types of Parse': message('P', 's', 'select 1', int16(0), 'more'),
    'PG-25: Describe of neither': message('D', Buffer.from('Z'), ''),
    'PG-26: an unknown type': message('~'),
    'PG-26: a message of a server': ready(),
    'PG-26: a password after the login': message('p', 'secret'),
    'PG-29: SQL that is not UTF-8': message('Q', Buffer.from([0xc0, 0x27, 0])),
    'PG-29: a name that is not UTF-8': message('P', Buffer.from([0xff, 0]), 'select 1', int16(0)),
    'PG-23: Bind with a negative length': message('B', '', '', int16(0, 1), -2, int16(0)),
    'PG-28: Bind with an unknown format': message('B', '', '', int16(1, 7, 1), -1, int16(0)),
    'PG-28: Bind with formats for other values': message(
      'B',
      '',
      '',
      int16(2, 0, 0, 1),
      -1,
      int16(0),
    ),
  }
  for (const [name, bytes] of Object.entries(broken)) {
    scene(name, (t) => {
      t.client(bytes)
      t.shows('E 08P01')
      t.closes('client')
    })
  }

  scene('PG-78: stray copy messages are nothing', (t) => {
    t.client(copyDataIn('x'), copyDone(), sync())
    t.shows('Z I')
  })
})

suite('a target that breaks the protocol', () => {
  const broken: Readonly<Record<string, readonly Buffer[]>> = {
    'PG-82: rows without a description': [row('1')],
    'PG-82: two descriptions': [columns('a'), columns('b')],
    'PG-82: the end in the middle': [columns('a'), ready()],
    'PG-82: two completions': [columns('a'), complete('SELECT 0'), complete('SELECT 0')],
    'PG-82: a status that does not exist': [
      columns('a'),
      complete('SELECT 0'),
      message('Z', Buffer.from('X')),
    ],
    'PG-81: CopyBoth': [message('W', Buffer.from([0]), int16(0))],
    'an unknown type': [message('~')],
    'what belongs to another protocol': [suspended],
    'a password request': [message('R', 3)],
    'a length of 4 GB': [Buffer.from([0x44, 255, 255, 255, 255])],
    'copy data without a copy': [message('d', 'x')],
    'a format that does not exist': [
      message('T', int16(1), 'a', 0, int16(0), 25, int16(-1), -1, int16(7)),
    ],
  }
  for (const [name, bytes] of Object.entries(broken)) {
    scene(name, (t) => {
      running(t)
      t.target(...bytes)
      t.endsWith('E 08P01')
      t.closes('target')
    })
  }

  scene('PG-82: what nobody asked for', (t) => {
    t.target(ready())
    t.shows('E 08P01')
    t.closes('target')
  })

  scene('PG-82: an answer to Parse that is none', (t) => {
    t.client(parse('select 1'), sync())
    t.asks('select 1', reads())
    t.sends(parse('select 1', 'hoop_1'), sync())
    t.target(complete('SELECT 0'))
    t.shows('E 08P01')
    t.closes('target')
  })

  scene('PG-75: notices and notifications may come at any time', (t) => {
    const notification = message('A', 1, 'channel', 'payload')
    t.target(notification, error('01000', 'mind', 'N', 'WARNING'))
    t.replies(notification, error('01000', 'mind', 'N', 'WARNING'))
  })

  for (const [name, value] of Object.entries({
    default_transaction_read_only: 'off',
    client_encoding: 'SJIS',
    standard_conforming_strings: 'off',
    session_authorization: 'postgres',
  })) {
    scene(
      `PG-72: ${name} that moves by itself ends the session`,
      (t) => {
        running(t)
        t.target(parameterStatus(name, value))
        t.shows('E 57P01')
        t.closes('hoop')
      },
      { parameters: new Map([['session_authorization', 'app']]) },
    )
  }

  scene('PG-72: back to what it was moves nothing', (t) => {
    t.target(parameterStatus('client_encoding', 'UTF8'), parameterStatus('TimeZone', 'UTC'))
  })
})

suite('units outside a block fail closed', () => {
  scene('a target that stays in a transaction is rolled back, and the session ends', (t) => {
    waits(t)()
    t.window.opens()
    t.sends(query(WRITE))
    t.target(complete('DELETE 1'), ready('T'))
    t.settles('ok', 1)
    t.hidden('ROLLBACK', complete('ROLLBACK'), ready())
    t.shows('C DELETE 1', 'E 58000')
    t.closes('hoop')
  })

  scene('a target that does not become read-only again: the session ends', (t) => {
    waits(t)()
    t.window.opens()
    t.sends(query(WRITE))
    t.target(complete('DELETE 1'), ready())
    t.settles('ok', 1)
    const reset = 'RESET default_transaction_read_only'
    t.hidden(
      reset,
      parameterStatus('default_transaction_read_only', 'off'),
      complete('RESET'),
      ready(),
    )
    t.shows('C DELETE 1', 'E 58000')
    t.closes('hoop')
  })

  scene('a target that does not take the unit never gets it', (t) => {
    waits(t)()
    t.hidden('SET default_transaction_read_only = off', error('42501'), ready())
    t.settles('unknown')
    t.shows('E 58000')
    t.closes('hoop')
  })

  scene(
    'with roles: SET ROLE writer, the unit, RESET ROLE, RESET, and only then ReadyForQuery',
    (t) => {
      waits(t)()
      t.window.opens()
      t.hidden('SET ROLE "w"', complete('SET'), ready())
      t.sends(query(WRITE))
      t.target(complete('DELETE 1'), ready())
      t.settles('ok', 1)
      t.replies(complete('DELETE 1'))
      t.hidden('RESET ROLE', complete('RESET'), ready())
      t.replies()
      t.window.closes()
      t.replies(ready())
    },
    { roles: { reader: 'r', writer: 'w' } },
  )
})
