import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Output } from '../../../protocol/pg/conversation.ts'
import { PostgresGate } from '../../../protocol/pg/gate.ts'
import { begins, copiesIn, copiesOut, reads, writes } from '../../support/analyses.ts'
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
  describe as describes,
  emptyQuery,
  error,
  execute,
  flush,
  int16,
  message,
  noData,
  parameterStatus,
  parameters,
  parse,
  parseComplete,
  query,
  ready,
  row,
  summary,
  suspended,
  sync,
  terminate,
} from '../../support/messages.ts'
import { bytesForClient, type Input } from '../../support/pieces.ts'
import { HELD, type Play, play } from '../../support/playbook.ts'

/**
 * Every phase × every message of the client, and of the target: what the gate does at once, read from a
 * table. What it keeps is done when its turn comes, of which the other tests of this folder tell.
 */

const READ = 'select 1'
const WRITE = 'delete from x'
const COPY = 'copy x from stdin'

function says(t: Play, text: string, kind: Parameters<Play['asks']>[1]): void {
  t.client(query(text))
  t.asks(text, kind)
}

function begun(t: Play): void {
  says(t, 'begin', begins())
  t.allows('begin')
  t.hidden('BEGIN READ WRITE', complete('BEGIN'), ready('T'))
}

function running(t: Play): void {
  says(t, READ, reads())
  t.allows(READ)
}

function held(t: Play): (answer?: never) => void {
  says(t, WRITE, writes('DELETE'))
  return t.triesAndHolds(WRITE, 'hoop_1')
}

function copyingIn(t: Play): void {
  says(t, COPY, copiesIn(1))
  t.judges(COPY, true).tell(HELD)
}

function copyingOut(t: Play): void {
  const text = 'copy x to stdout'
  says(t, text, copiesOut('select a from x'))
  t.allows(text)
  t.sends(parse('select a from x', 'hoop_1'), describes('hoop_1'), close('hoop_1'), sync())
  t.target(parseComplete, parameters(), columns('a'), closeComplete, ready())
  t.target(copyOutResponse(1))
}

/** The target's rows are on their way for Parse, Bind, Describe and Execute. */
function executing(t: Play): void {
  t.client(parse(READ), bind(), execute(), sync())
  t.asks(READ, reads())
  t.allows(READ)
  t.target(parseComplete, bindComplete, columns('a'))
}

const PHASES: Readonly<Record<string, (t: Play) => void>> = {
  ready: () => undefined,
  'in a block': begun,
  'in a failed block': (t) => {
    begun(t)
    running(t)
    t.target(complete('SAVEPOINT'), complete('SET'), ready('T'), error('22012'), ready('E'))
  },
  'before Sync': (t) => t.client(parse(READ), bind()),
  'skipping to Sync': (t) => t.client(bind({ statement: 'none' }), execute(), flush()),
  analysing: (t) => t.client(query(READ)),
  judging: (t) => says(t, READ, reads()),
  held: (t) => void held(t),
  'a query runs': running,
  'rows of a query': (t) => {
    running(t)
    t.target(columns('a'), row('1'))
  },
  'a portal runs': executing,
  'copying in': copyingIn,
  'copying out': copyingOut,
  'approved and running': (t) => {
    held(t)()
    t.window.opens()
  },
  over: (t) => t.client(terminate()),
}

const FRONTEND: Readonly<Record<string, Buffer>> = {
  Q: query('select 2'),
  P: parse('select 2', 'p'),
  B: bind({ statement: 'none' }),
  D: describes('none'),
  E: execute('none'),
  C: close('none'),
  S: sync(),
  H: flush(),
  F: message('F', Buffer.alloc(10)),
  d: copyDataIn('1\n'),
  c: copyDone(),
  f: copyFail('no'),
  X: terminate(),
}

const BACKEND: Readonly<Record<string, Buffer>> = {
  '1': parseComplete,
  '2': bindComplete,
  '3': closeComplete,
  C: complete('SELECT 1'),
  D: row('1'),
  E: error('22012'),
  G: copyInResponse(1),
  H: copyOutResponse(1),
  I: emptyQuery,
  T: columns('a'),
  s: suspended,
  t: parameters(25),
  n: noData,
  Z: ready(),
  d: copyDataOut('1\n'),
  c: copyDoneOut,
  A: message('A', 1, 'channel', ''),
  N: error('00000', 'mind', 'N', 'NOTICE'),
  S: parameterStatus('TimeZone', 'UTC'),
  K: message('K', 1, 2),
  R: message('R', 0),
  W: message('W', Buffer.from([0]), int16(0)),
  v: message('v', 0x30000, 0),
  V: message('V', -1),
}

/** What the gate does at once with this input, after it was brought to the phase. */
function done(phase: string, input: Input): string {
  const t = play()
  PHASES[phase]?.(t)
  const gate = new PostgresGate(t.options)
  for (const before of t.inputs) gate.handle(before)
  return outcome(gate.handle(input))
}

const SHORT: ReadonlyMap<string, string> = new Map([
  ['close+E08P01', '!'],
  ['E0A000+Z', '0A000'],
  ['E57014+Z', '57014'],
  ['E22012', 'E'],
])

function outcome(outputs: readonly Output[]): string {
  const shown = Buffer.concat(outputs.map((output) => bytesForClient(output) ?? Buffer.alloc(0)))
  const types = summary(shown).map((text) => (text[0] === 'E' ? text.replace(' ', '') : text[0]))
  const acts = outputs.flatMap(({ type }) => ACTS.get(type) ?? [])
  const all = [...new Set(acts), ...types]
  if (all.length === 0) return '-'
  return SHORT.get(all.join('+')) ?? all.join('+')
}

const ACTS: ReadonlyMap<string, string> = new Map([
  ['ask', 'ask'],
  ['send', 'send'],
  ['spool', 'spool'],
  ['withdraw', 'withdraw'],
  ['close', 'close'],
])

/**
 * `!` ends the session with 08P01; `-` says and sends nothing: kept, or of no meaning here; `ask`, `send` to
 * the target, `spool`, `withdraw`, `close` without a word; an SQLSTATE or a letter is what the client is shown.
 */
const TO_CLIENT_MESSAGES = `
                      Q   P B D E C S   H   F     d     c   f     X
ready                 ask - - - - - Z   -   0A000 -     -   -     close
in a block            ask - - - - - Z   -   send  -     -   -     close
in a failed block     ask - - - - - Z   -   0A000 -     -   -     close
before Sync           ask - - - - - ask ask ask   -     -   -     close
skipping to Sync      -   - - - - - Z   -   -     -     -   -     close
analysing             -   - - - - - -   -   -     -     -   -     -
judging               -   - - - - - -   -   -     -     -   -     -
held                  -   - - - - - -   -   -     -     -   -     withdraw+close
a query runs          -   - - - - - -   -   -     -     -   -     -
rows of a query       -   - - - - - -   -   -     -     -   -     -
a portal runs         -   - - - - - -   -   -     -     -   -     -
copying in            !   ! ! ! ! ! -   -   !     spool ask 57014 close
copying out           -   - - - - - -   -   -     -     -   -     -
approved and running  -   - - - - - -   -   -     -     -   -     -
over                  -   - - - - - -   -   -     -     -   -     -
`

const TO_TARGET_MESSAGES = `
                      1 2 3 C D E G    H I T s t n Z d c A N S K R W v V
ready                 ! ! ! ! ! E !    ! ! ! ! ! ! ! ! ! A N - ! ! ! ! !
in a block            ! ! ! ! ! E !    ! ! ! ! ! ! ! ! ! A N - ! ! ! ! !
in a failed block     ! ! ! ! ! E !    ! ! ! ! ! ! ! ! ! A N - ! ! ! ! !
before Sync           ! ! ! ! ! E !    ! ! ! ! ! ! ! ! ! A N - ! ! ! ! !
skipping to Sync      ! ! ! ! ! E !    ! ! ! ! ! ! ! ! ! A N - ! ! ! ! !
analysing             ! ! ! ! ! E !    ! ! ! ! ! ! ! ! ! A N - ! ! ! ! !
judging               ! ! ! ! ! E !    ! ! ! ! ! ! ! ! ! A N - ! ! ! ! !
held                  ! ! ! ! ! E !    ! ! ! ! ! ! ! ! ! A N - ! ! ! ! !
a query runs          ! ! ! C ! E send H I T ! ! ! ! ! ! A N - ! ! ! ! !
rows of a query       ! ! ! C D E !    ! ! ! ! ! ! ! ! ! A N - ! ! ! ! !
a portal runs         ! ! ! C D E !    ! I ! s ! ! ! ! ! A N - ! ! ! ! !
copying in            ! ! ! ! ! E !    ! ! ! ! ! ! ! ! ! A N - ! ! ! ! !
copying out           ! ! ! ! ! E !    ! ! ! ! ! ! ! d c A N - ! ! ! ! !
approved and running  ! ! ! C ! E send H I T ! ! ! ! ! ! A N - ! ! ! ! !
over                  - - - - - - -    - - - - - - - - - - - - - - - - -
`

function check(table: string, all: Readonly<Record<string, Buffer>>, from: Side): void {
  const [head = '', ...rows] = table.trim().split('\n')
  assert.deepEqual(head.trim().split(/ +/), Object.keys(all))
  assert.deepEqual(rows.map(phaseOf), Object.keys(PHASES))
  for (const row of rows) {
    const phase = phaseOf(row)
    const expected = row.slice(phase.length).trim().split(/ +/)
    const seen = Object.values(all).map((bytes) => done(phase, { type: from, bytes }))
    assert.deepEqual(seen, expected, phase)
  }
}

const phaseOf = (row: string): string => row.split('  ')[0] ?? ''
type Side = 'client' | 'target'

test('every phase has an answer to every message of the client', () => {
  check(TO_CLIENT_MESSAGES, FRONTEND, 'client')
})

test('every phase has an answer to every message of the target', () => {
  check(TO_TARGET_MESSAGES, BACKEND, 'target')
})

for (const [from, all] of [
  ['client', FRONTEND],
  ['target', BACKEND],
] as const) {
  test(`no other type of the ${from} means anything in any phase`, () => {
    const known = new Set(Object.keys(all).map((letter) => letter.charCodeAt(0)))
    const others = Array.from({ length: 256 }, (_, type) => type).filter((type) => !known.has(type))
    for (const phase of Object.keys(PHASES)) {
      for (const type of others) {
        const bytes = Buffer.from([type, 0, 0, 0, 4])
        assert.equal(
          done(phase, { type: from, bytes }),
          phase === 'over' ? '-' : '!',
          `${phase} ${type}`,
        )
      }
    }
  })
}
