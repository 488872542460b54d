import assert from 'node:assert/strict'
import { pbkdf2Sync } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { encodeSaslInitial, encodeSaslResponse } from '../../../protocol/pg/authentication.ts'
import { LocalLogin, type LoginOutput } from '../../../protocol/pg/login.ts'
import { ScramClient, scramVerifier } from '../../../protocol/pg/scram.ts'
import { checkStartup, StartupRefused } from '../../../protocol/pg/startup.ts'

const SALT = Buffer.from('0123456789abcdef')
const SALTED = pbkdf2Sync('secret', SALT, 4096, 32, 'sha256')
const VERIFIER = scramVerifier(SALTED, SALT, 4096)
const PASSWORD_RULES = { verifier: VERIFIER, nonce: 'servernonce' }
const SOCKET_RULES = { verifier: null, nonce: 'servernonce' }

const SSL = Buffer.from('0000000804d2162f', 'hex')
const GSS = Buffer.from('0000000804d21630', 'hex')
const QUERY = Buffer.from('Q\0\0\0\x0dselect 1\0', 'latin1')

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

/** Built by hand, so that a bug of the encoder cannot hide one of the decoder. */
function packet(code: number, body: Buffer | string, length?: number): Buffer {
  const bytes = Buffer.from(body)
  return Buffer.concat([int32(length ?? bytes.length + 8), int32(code), bytes])
}

function startup(pairs: readonly (readonly [string, string])[], version = 0x30000): Buffer {
  return packet(version, `${pairs.map(([name, value]) => `${name}\0${value}\0`).join('')}\0`)
}

const ALICE = startup([
  ['user', 'alice'],
  ['database', 'app'],
])

/** What comes out, short: `send` outputs as text. */
function talk(login: LocalLogin, ...chunks: Buffer[]): LoginOutput[] {
  return chunks.flatMap((chunk) => login.receive(chunk))
}

function sent(outputs: readonly LoginOutput[]): string {
  return outputs
    .map((output) => (output.type === 'send' ? output.bytes.toString('latin1') : ''))
    .join('')
}

function types(outputs: readonly LoginOutput[]): string[] {
  return outputs.map((output) => output.type)
}

/** A whole login with a password, one chunk for each message. */
function passwordLogin(login: LocalLogin, password: Buffer, split: (bytes: Buffer) => Buffer[]) {
  const client = new ScramClient('clientnonce', { type: 'none' })
  const outputs = talk(login, ...split(ALICE))
  outputs.push(...talk(login, ...split(encodeSaslInitial('SCRAM-SHA-256', client.first()))))
  const challenge = outputs.at(-1)
  assert.ok(challenge?.type === 'send')
  client.challenge(challenge.bytes.toString('latin1', 9))
  outputs.push(...talk(login, ...split(encodeSaslResponse(client.final(password)))))
  return { client, outputs }
}

const whole = (bytes: Buffer) => [bytes]
const bytewise = (bytes: Buffer) => [...bytes].map((byte) => Buffer.from([byte]))

describe('a login with the local password', () => {
  for (const [name, split] of [
    ['whole', whole],
    ['byte by byte', bytewise],
  ] as const) {
    test(`the right one, ${name}`, () => {
      const { client, outputs } = passwordLogin(new LocalLogin(PASSWORD_RULES), SALTED, split)
      const text = sent(outputs)
      assert.ok(text.startsWith('R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0'))
      assert.ok(text.endsWith('R\0\0\0\x08\0\0\0\0'))
      client.verify(/v=[^,]{44}/.exec(text)?.[0] ?? '')
      const last = outputs.at(-1)
      assert.ok(last?.type === 'authenticated')
      assert.deepEqual(last.startup, { user: 'alice', database: 'app', settings: {} })
      assert.equal(last.rest.length, 0)
    })
  }

  test('a wrong one: 28P01, and not a byte of success', () => {
    const { outputs } = passwordLogin(new LocalLogin(PASSWORD_RULES), Buffer.alloc(32), whole)
    assert.match(sent(outputs), /28P01/)
    assert.equal(outputs.at(-1)?.type, 'close')
    assert.ok(!types(outputs).includes('authenticated'))
  })

  test('after SSLRequest and GSSENCRequest, each answered N', () => {
    const login = new LocalLogin(PASSWORD_RULES)
    assert.equal(sent(talk(login, GSS, SSL)), 'NN')
    const { outputs } = passwordLogin(login, SALTED, bytewise)
    assert.equal(outputs.at(-1)?.type, 'authenticated')
  })

  test('split at every byte of every message it is the same', () => {
    const expected = sent(passwordLogin(new LocalLogin(PASSWORD_RULES), SALTED, whole).outputs)
    fc.assert(
      fc.property(fc.array(fc.nat(200), { maxLength: 6 }), (cuts) => {
        const split = (bytes: Buffer) => {
          const at = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b)
          return [0, ...at].map((start, i) => bytes.subarray(start, at[i] ?? bytes.length))
        }
        const { outputs } = passwordLogin(new LocalLogin(PASSWORD_RULES), SALTED, split)
        assert.equal(sent(outputs), expected)
      }),
    )
  })
})

describe('a login on the unix socket', () => {
  test('needs no password; what follows is for the session', () => {
    const outputs = talk(new LocalLogin(SOCKET_RULES), Buffer.concat([ALICE, QUERY]))
    assert.deepEqual(types(outputs), ['send', 'authenticated'])
    const last = outputs.at(-1)
    assert.ok(last?.type === 'authenticated')
    assert.deepEqual(last.rest, QUERY)
  })
})

describe('CancelRequest', () => {
  test('is handed on, and it is over', () => {
    const login = new LocalLogin(PASSWORD_RULES)
    const cancel = packet(0x04d2162e, Buffer.from('fffffff601020304', 'hex'))
    const outputs = talk(login, ...bytewise(cancel))
    assert.deepEqual(outputs, [{ type: 'cancel', pid: -10, key: Buffer.from([1, 2, 3, 4]) }])
    assert.deepEqual(talk(login, ALICE), [])
  })

  test('has a key of up to 256 bytes in protocol 3.2', () => {
    const key = Buffer.alloc(256, 7)
    const cancel = packet(0x04d2162e, Buffer.concat([Buffer.from('00000009', 'hex'), key]))
    const outputs = talk(new LocalLogin(PASSWORD_RULES), ...bytewise(cancel))
    assert.deepEqual(outputs, [{ type: 'cancel', pid: 9, key }])
  })

  for (const length of [8, 12, 15, 269, 300]) {
    test(`of length ${length} closes`, () => {
      const cancel = packet(0x04d2162e, Buffer.alloc(length - 8))
      assert.deepEqual(types(talk(new LocalLogin(PASSWORD_RULES), cancel)), ['close'])
    })
  }
})

describe('protocol versions (PG-15)', () => {
  const spoken = (version: number) => {
    const outputs = talk(new LocalLogin(SOCKET_RULES), startup([['user', 'a']], version))
    const last = outputs.at(-1)
    assert.ok(last?.type === 'authenticated')
    return { minor: last.minor, said: sent(outputs).split('R')[0] }
  }

  test('3.0 and 3.2 are spoken as they are asked for', () => {
    assert.deepEqual(spoken(0x30000), { minor: 0, said: '' })
    assert.deepEqual(spoken(0x30002), { minor: 2, said: '' })
  })

  test('what lies between and beyond is negotiated down', () => {
    const negotiated = (minor: string) => `v\0\0\0\x0c\0\x03\0${minor}\0\0\0\0`
    assert.deepEqual(spoken(0x30001), { minor: 0, said: negotiated('\0') })
    assert.deepEqual(spoken(0x30003), { minor: 2, said: negotiated('\x02') })
    assert.deepEqual(spoken(0x3270f), { minor: 2, said: negotiated('\x02') })
  })

  test('_pq_ extensions are named as unknown, and gone', () => {
    const outputs = talk(
      new LocalLogin(SOCKET_RULES),
      startup(
        [
          ['user', 'a'],
          ['_pq_.test_protocol_negotiation', ''],
        ],
        0x3270f,
      ),
    )
    assert.ok(
      sent(outputs).startsWith('v\0\0\0\x2b\0\x03\0\x02\0\0\0\x01_pq_.test_protocol_negotiation\0'),
    )
    const last = outputs.at(-1)
    assert.ok(last?.type === 'authenticated')
    assert.deepEqual(last.startup.settings, {})
  })

  for (const version of [0x20000, 0x40000, 0, 0xffffffff]) {
    test(`version 0x${version.toString(16)} is refused`, () => {
      const outputs = talk(new LocalLogin(SOCKET_RULES), startup([['user', 'a']], version))
      assert.match(sent(outputs), /FATAL.*0A000/s)
      assert.equal(outputs.at(-1)?.type, 'close')
    })
  }
})

describe('attacks before the session (wire.md A1)', () => {
  const silent: [string, Buffer][] = [
    ['PG-04 a TLS ClientHello', Buffer.from('16030100c8010000c40303', 'hex')],
    ['PG-06 length 7', packet(0x30000, '', 7)],
    ['PG-06 length 0', packet(0x30000, '', 0)],
    ['PG-06 length -100', packet(0x30000, '', -100)],
    ['PG-06 length 10,001', packet(0x30000, '', 10_001)],
    ['PG-06 length 0x7fffffff', packet(0x30000, '', 0x7fffffff)],
    ['PG-06 length 0x80000000', packet(0x30000, '', 0x80000000)],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n')],
    ['an SSLRequest with a body', packet(0x04d2162f, 'x')],
  ]
  for (const [name, bytes] of silent) {
    for (const split of [whole, bytewise]) {
      test(`${name}, ${split.name}: closed, nothing said in PostgreSQL`, () => {
        const outputs = talk(new LocalLogin(PASSWORD_RULES), ...split(bytes))
        assert.equal(outputs.at(-1)?.type, 'close')
        assert.doesNotMatch(sent(outputs), /[NRE]/)
      })
    }
  }

  test('PG-04 the TLS client gets an alert that it understands', () => {
    const outputs = talk(new LocalLogin(PASSWORD_RULES), Buffer.from([0x16]))
    assert.equal(Buffer.from(sent(outputs), 'latin1').toString('hex'), '15030100020228')
  })

  test('PG-06 a length is not waited for, nor kept', () => {
    const login = new LocalLogin(PASSWORD_RULES)
    assert.equal(talk(login, int32(0x7fffffff)).at(-1)?.type, 'close')
    assert.deepEqual(talk(login, Buffer.alloc(1_000_000)), [])
  })

  const refused: [string, Buffer[], string][] = [
    ['PG-01 a start-up behind SSLRequest', [Buffer.concat([SSL, ALICE])], '08P01'],
    ['PG-01 a query behind SSLRequest', [Buffer.concat([SSL, QUERY])], '08P01'],
    ['PG-02 a start-up behind GSSENCRequest', [Buffer.concat([GSS, ALICE])], '08P01'],
    ['PG-03 SSLRequest twice', [SSL, SSL], '08P01'],
    ['PG-03 GSS, SSL, GSS', [GSS, SSL, GSS], '08P01'],
    ['PG-07 no final zero', [packet(0x30000, 'user\0a\0')], '08P01'],
    ['PG-07 a key without a value', [packet(0x30000, 'user\0a\0database\0')], '08P01'],
    ['PG-07 bytes behind the end', [packet(0x30000, 'user\0a\0\0x')], '08P01'],
    ['PG-07 no body', [packet(0x30000, '')], '08P01'],
    [
      'PG-07 not UTF-8',
      [packet(0x30000, Buffer.from('75736572 00c02700 00'.replaceAll(' ', ''), 'hex'))],
      '08P01',
    ],
    ['PG-07 no user', [startup([['database', 'app']])], '28000'],
    ['PG-07 an empty user', [startup([['user', '']])], '28000'],
    [
      'PG-08 user twice',
      [
        startup([
          ['user', 'app'],
          ['user', 'postgres'],
        ]),
      ],
      '08P01',
    ],
    [
      'PG-08 a setting twice in two spellings',
      [
        startup([
          ['user', 'a'],
          ['TimeZone', 'UTC'],
          ['timezone', 'UTC'],
        ]),
      ],
      '08P01',
    ],
    [
      'PG-09 default_transaction_read_only',
      [
        startup([
          ['user', 'a'],
          ['default_transaction_read_only', 'off'],
        ]),
      ],
      '42501',
    ],
    [
      'PG-10 options',
      [
        startup([
          ['user', 'a'],
          ['options', '-c x=on'],
        ]),
      ],
      '42501',
    ],
    [
      'PG-11 empty options',
      [
        startup([
          ['user', 'a'],
          ['options', '-c='],
        ]),
      ],
      '42501',
    ],
    [
      'PG-12 role',
      [
        startup([
          ['user', 'a'],
          ['role', 'dba'],
        ]),
      ],
      '42501',
    ],
    [
      'PG-12 search_path',
      [
        startup([
          ['user', 'a'],
          ['search_path', 'evil'],
        ]),
      ],
      '42501',
    ],
    [
      'PG-12 replication',
      [
        startup([
          ['user', 'a'],
          ['replication', 'true'],
        ]),
      ],
      '42501',
    ],
    [
      'PG-12 User, in another case',
      [
        startup([
          ['user', 'a'],
          ['Database', 'x'],
        ]),
      ],
      '42501',
    ],
    [
      '__proto__',
      [
        startup([
          ['user', 'a'],
          ['__proto__', 'x'],
        ]),
      ],
      '42501',
    ],
    [
      'PG-13 GBK',
      [
        startup([
          ['user', 'a'],
          ['client_encoding', 'GBK'],
        ]),
      ],
      '22023',
    ],
    [
      'PG-13 standard_conforming_strings',
      [
        startup([
          ['user', 'a'],
          ['standard_conforming_strings', 'off'],
        ]),
      ],
      '42501',
    ],
    ['PG-17 a second start-up', [ALICE, ALICE], '08P01'],
    ['PG-18 a query behind the start-up', [Buffer.concat([ALICE, QUERY])], '08P01'],
    ['PG-18 a query instead of a password', [ALICE, QUERY], '08P01'],
    ['a mechanism that was not offered', [ALICE, encodeSaslInitial('PLAIN', 'x')], '08P01'],
    [
      'SCRAM with channel binding',
      [ALICE, encodeSaslInitial('SCRAM-SHA-256', 'p=x,,n=,r=a')],
      '08P01',
    ],
  ]
  for (const [name, chunks, sqlstate] of refused) {
    test(`${name}: FATAL ${sqlstate}`, () => {
      const login = new LocalLogin(PASSWORD_RULES)
      const outputs = talk(login, ...chunks)
      assert.ok(sent(outputs).includes(`SFATAL\0VFATAL\0C${sqlstate}\0`), sent(outputs))
      assert.equal(outputs.at(-1)?.type, 'close')
      assert.ok(!types(outputs).includes('authenticated'))
      assert.deepEqual(talk(login, ALICE), [], 'nothing is heard after the end')
    })
  }

  for (const [name, bytes] of [
    ['length 0', Buffer.from('7000000000', 'hex')],
    ['length 3', Buffer.from('7000000003', 'hex')],
    ['length 2,000', Buffer.from('70000007d0', 'hex')],
    ['length 0x7fffffff', Buffer.from('707fffffff', 'hex')],
    ['length -1', Buffer.from('70ffffffff', 'hex')],
    [
      'data of length -1',
      Buffer.from('70000000165343524 14d2d5348412d32353600ffffffff'.replaceAll(' ', ''), 'hex'),
    ],
    [
      'data longer than the message',
      Buffer.from('70000000165343524 14d2d5348412d3235360000000fff'.replaceAll(' ', ''), 'hex'),
    ],
  ] as const) {
    test(`a SASL message with ${name} closes`, () => {
      const outputs = talk(new LocalLogin(PASSWORD_RULES), ALICE, bytes)
      assert.equal(outputs.at(-1)?.type, 'close')
      assert.doesNotMatch(sent(outputs).slice(24), /R/)
    })
  }

  test('no bytes whatever reach a session without the password, and nothing is thrown', () => {
    const noise = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes))
    const known = fc.constantFrom(
      SSL,
      GSS,
      ALICE,
      QUERY,
      encodeSaslInitial('SCRAM-SHA-256', 'n,,n=,r=a'),
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(noise, known), { maxLength: 6 }), (chunks) => {
        const outputs = talk(new LocalLogin(PASSWORD_RULES), ...chunks)
        assert.ok(!types(outputs).includes('authenticated'))
      }),
      { numRuns: 3_000 },
    )
  })
})

describe('the allow-list', () => {
  test('settings come out under their own names', () => {
    const checked = checkStartup({
      user: 'alice',
      datestyle: 'ISO',
      TIMEZONE: 'UTC',
      extra_float_digits: '2',
      IntervalStyle: 'iso_8601',
      application_name: 'psql',
      client_encoding: "'utf-8'",
    })
    assert.equal(checked.database, null)
    assert.deepEqual(checked.settings, {
      DateStyle: 'ISO',
      TimeZone: 'UTC',
      extra_float_digits: '2',
      IntervalStyle: 'iso_8601',
      application_name: 'psql',
      client_encoding: 'UTF8',
    })
  })

  test('every spelling of UTF8, and of no conversion, is UTF8', () => {
    for (const spelling of ['UTF8', 'utf-8', 'Utf_8', 'unicode', "'utf-8'", 'SQL_ASCII']) {
      const { settings } = checkStartup({ user: 'a', client_encoding: spelling })
      assert.equal(settings['client_encoding'], 'UTF8')
    }
  })

  test('the broker checks what came through the tunnel just the same', () => {
    for (const parameters of [
      { user: 'a', options: '' },
      { user: 'a', TimeZone: 'UTC', timezone: 'UTC' },
      { user: 'a', TimeZone: 'UTC\0role\0dba' },
      { user: 'a\0role\0dba' },
      { database: 'x' },
      { user: 'a', constructor: 'x' },
    ]) {
      assert.throws(() => checkStartup(parameters as never), StartupRefused)
    }
  })
})
