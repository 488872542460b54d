import { describe as suite, test } from 'node:test'
import fc from 'fast-check'
import type { Known } from '../../../protocol/pg/conversation.ts'
import { analysisOf, type Facts, reads, writes } from '../../support/analyses.ts'
import { conversation, turns } from '../../support/arbitrary-client.ts'
import {
  bind,
  bindComplete,
  columns,
  complete,
  describePortal,
  error,
  execute,
  message,
  parameterStatus,
  parse,
  parseComplete,
  query,
  ready,
  row,
  sync,
} from '../../support/messages.ts'
import { checkKnown } from '../../support/model.ts'
import { type Play, scene } from '../../support/playbook.ts'

const SHAPE = columns('a')
const TEXTS: Readonly<Record<string, Facts>> = { read: reads(), write: writes() }

/** Every text of this file was understood before; reads may run. */
const known: Known = {
  analysis(text) {
    const kind = TEXTS[text.toString()]
    return kind === undefined ? null : analysisOf(text, [kind])
  },
  allows: (unit) => unit.executions.every((each) => each.facts?.class === 'read'),
}

function knowing(title: string, told: (t: Play) => void): void {
  scene(title, told, { known })
}

/** A read that the client calls `a`. */
function prepared(t: Play): void {
  t.client(parse('read', 'a'), sync())
  t.says('known')
  t.sends(parse('read', 'hoop_1'), sync())
  t.target(parseComplete, ready())
  t.replies(parseComplete, ready())
}

const ASKED = [bind({ statement: 'a' }), describePortal(), execute(), sync()]
const SENT = [bind({ statement: 'hoop_1' }), describePortal(), execute(), sync()]

suite('a read that is known and allowed', () => {
  knowing('goes out at once, and its answer comes back as it is', (t) => {
    prepared(t)
    t.client(...ASKED)
    t.says('known')
    t.sends(...SENT)
    t.target(bindComplete, SHAPE, row('1'), row('2'), complete('SELECT 2'), ready())
    t.replies(bindComplete, SHAPE, row('1'), row('2'), complete('SELECT 2'), ready())
  })

  knowing('is described for the gate when the client does not ask', (t) => {
    prepared(t)
    t.client(bind({ statement: 'a' }), execute(), sync())
    t.says('known')
    t.sends(...SENT)
    t.target(bindComplete, SHAPE, row('1'), complete('SELECT 1'), ready())
    t.replies(bindComplete, row('1'), complete('SELECT 1'), ready())
  })

  knowing('may have no row', (t) => {
    prepared(t)
    t.client(...ASKED)
    t.says('known')
    t.sends(...SENT)
    t.target(bindComplete, SHAPE, complete('SELECT 0'), ready())
    t.replies(bindComplete, SHAPE, complete('SELECT 0'), ready())
  })

  knowing('may fail at any step', (t) => {
    prepared(t)
    for (const before of [[], [bindComplete], [bindComplete, SHAPE, row('1')]]) {
      t.client(...ASKED)
      t.says('known')
      t.sends(...SENT)
      t.target(...before, error('22012'), ready())
      t.replies(...before, error('22012'), ready())
    }
  })

  knowing('may be answered with notices and settings in between', (t) => {
    prepared(t)
    t.client(...ASKED)
    t.says('known')
    t.sends(...SENT)
    const notice = error('01000', 'look', 'N', 'NOTICE')
    t.target(bindComplete, notice, SHAPE, row('1'), complete('SELECT 1'), ready())
    t.replies(bindComplete, notice, SHAPE, row('1'), complete('SELECT 1'), ready())
  })

  knowing('whose guard moves meanwhile ends the session', (t) => {
    prepared(t)
    t.client(...ASKED)
    t.says('known')
    t.sends(...SENT)
    t.target(bindComplete, parameterStatus('default_transaction_read_only', 'off'))
    t.closes('hoop')
    t.endsWith('E 57P01')
  })

  knowing('has nothing in its answer that was not asked for', (t) => {
    prepared(t)
    t.client(...ASKED)
    t.says('known')
    t.sends(...SENT)
    t.target(bindComplete, SHAPE, message('G', Buffer.from([0, 0, 0])))
    t.closes('target')
    t.endsWith('E 08P01')
  })

  knowing('as a Query goes out as it came', (t) => {
    t.client(query('read'))
    t.says('known')
    t.says('known')
    t.sends(query('read'))
    t.target(SHAPE, row('1'), complete('SELECT 1'), ready())
    t.replies(SHAPE, row('1'), complete('SELECT 1'), ready())
    t.client(query('read'))
    t.says('known')
    t.says('known')
    t.sends(query('read'))
    t.target(SHAPE, row('1'), complete('SELECT 1'), ready())
    t.replies(SHAPE, row('1'), complete('SELECT 1'), ready())
  })

  knowing('waits behind one that is on its way', (t) => {
    prepared(t)
    t.client(...ASKED, ...ASKED)
    t.says('known')
    t.sends(...SENT)
    t.target(bindComplete, SHAPE, complete('SELECT 0'), ready())
    t.replies(bindComplete, SHAPE, complete('SELECT 0'), ready())
    t.says('known')
    t.sends(...SENT)
    t.target(bindComplete, SHAPE, complete('SELECT 0'), ready())
    t.replies(bindComplete, SHAPE, complete('SELECT 0'), ready())
  })
})

suite('a write that is known', () => {
  knowing('is asked about all the same', (t) => {
    t.client(query('write'))
    t.says('known')
    t.says('ask')
  })
})

test('in any conversation, what is known spares questions and changes nothing', () => {
  const decisions = fc.array(fc.boolean(), { minLength: 1, maxLength: 5 })
  fc.assert(fc.property(conversation.map(turns), decisions, checkKnown), { numRuns: 600 })
})
