import assert from 'node:assert/strict'
import { pbkdf2Sync } from 'node:crypto'
import { describe, test } from 'node:test'
import { saslprep } from '../../../protocol/pg/saslprep.ts'
import {
  SCRAM_KEY_LENGTH,
  ScramClient,
  ScramError,
  ScramServer,
  scramVerifier,
} from '../../../protocol/pg/scram.ts'

const salted = (password: string, salt: Buffer, iterations: number) =>
  pbkdf2Sync(password, salt, iterations, SCRAM_KEY_LENGTH, 'sha256')

/** RFC 7677 section 3. */
const RFC = {
  user: 'user',
  password: 'pencil',
  clientNonce: 'rOprNGfwEbeRWgbNEkqO',
  serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
  clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst:
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  clientFinal:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
}

function rfcServer(): ScramServer {
  const password = salted(RFC.password, RFC.salt, 4096)
  return new ScramServer(scramVerifier(password, RFC.salt, 4096), RFC.serverNonce)
}

describe('the exchange of RFC 7677', () => {
  test('client', () => {
    const client = new ScramClient(RFC.clientNonce, { type: 'none' }, RFC.user)
    assert.equal(client.first(), RFC.clientFirst)
    const { salt, iterations } = client.challenge(RFC.serverFirst)
    assert.equal(client.final(salted(RFC.password, salt, iterations)), RFC.clientFinal)
    client.verify(RFC.serverFinal)
  })

  test('server', () => {
    const server = rfcServer()
    assert.equal(server.challenge(RFC.clientFirst), RFC.serverFirst)
    assert.equal(server.verify(RFC.clientFinal), RFC.serverFinal)
  })
})

describe('the server', () => {
  test('says null to a wrong password', () => {
    const server = rfcServer()
    const client = new ScramClient(RFC.clientNonce, { type: 'none' })
    const { salt, iterations } = client.challenge(server.challenge(client.first()))
    assert.equal(server.verify(client.final(salted('pencils', salt, iterations))), null)
  })

  test('takes y: the client could bind but saw no offer', () => {
    const server = rfcServer()
    const client = new ScramClient(RFC.clientNonce, { type: 'not-offered' })
    const { salt, iterations } = client.challenge(server.challenge(client.first()))
    client.verify(server.verify(client.final(salted('pencil', salt, iterations))) ?? '')
  })

  const firsts: [string, string][] = [
    ['channel binding that was not offered', 'p=tls-server-end-point,,n=,r=abc'],
    ['another identity', 'n,a=root,n=,r=abc'],
    ['a mandatory extension', 'n,,m=x,n=,r=abc'],
    ['an extension behind', 'n,,n=,r=abc,x=y'],
    ['an empty nonce', 'n,,n=,r='],
    ['a nonce with a control character', 'n,,n=,r=a\u0001b'],
    ['no header', 'n=,r=abc'],
    ['nothing', ''],
    ['too long', `n,,n=,r=${'x'.repeat(2_000)}`],
  ]
  for (const [name, message] of firsts) {
    test(`refuses first message: ${name}`, () => {
      assert.throws(() => rfcServer().challenge(message), ScramError)
    })
  }

  const finals: [string, string][] = [
    ['another header than the first', RFC.clientFinal.replace('c=biws', 'c=eSws')],
    ['another nonce', RFC.clientFinal.replace('k0,p=', 'k1,p=')],
    ['the client nonce alone', RFC.clientFinal.replace(RFC.serverNonce, '')],
    ['a proof that is not base64', RFC.clientFinal.replace(/p=.*/, 'p=!!!!')],
    ['a short proof', RFC.clientFinal.replace(/p=.*/, 'p=AAAA')],
    ['an empty proof', RFC.clientFinal.replace(/p=.*/, 'p=')],
    ['no proof', RFC.clientFinal.replace(/,p=.*/, '')],
    ['fields in another order', 'r=a,c=biws,p=AAAA'],
  ]
  for (const [name, message] of finals) {
    test(`refuses final message: ${name}`, () => {
      const server = rfcServer()
      server.challenge(RFC.clientFirst)
      assert.throws(() => server.verify(message), ScramError)
    })
  }

  test('does each step once', () => {
    const server = rfcServer()
    assert.throws(() => server.verify(RFC.clientFinal), ScramError)
    server.challenge(RFC.clientFirst)
    assert.throws(() => server.challenge(RFC.clientFirst), ScramError)
    server.verify(RFC.clientFinal)
    assert.throws(() => server.verify(RFC.clientFinal), ScramError)
  })
})

describe('the client', () => {
  test('believes no server that does not know the password', () => {
    const client = new ScramClient(RFC.clientNonce, { type: 'none' }, RFC.user)
    const { salt, iterations } = client.challenge(RFC.serverFirst)
    client.final(salted('another', salt, iterations))
    assert.throws(() => client.verify(RFC.serverFinal), ScramError)
    assert.throws(() => client.verify('e=other-error'), ScramError)
    assert.throws(() => client.verify('v='), ScramError)
    assert.throws(() => client.verify('v=AAAA'), ScramError)
  })

  test('repeats the channel binding in its last message', () => {
    const hash = Buffer.alloc(32, 1)
    const client = new ScramClient('abc', { type: 'server-end-point', hash })
    assert.equal(client.first(), 'p=tls-server-end-point,,n=,r=abc')
    client.challenge('r=abcdef,s=c2FsdA==,i=4096')
    const binding = Buffer.concat([Buffer.from('p=tls-server-end-point,,'), hash])
    const final = client.final(Buffer.alloc(32))
    assert.ok(final.startsWith(`c=${binding.toString('base64')},r=abcdef,p=`))
  })
})

describe('SASLprep (RFC 4013 section 3)', () => {
  const cases: [string, string][] = [
    ['I\u00adX', 'IX'],
    ['user', 'user'],
    ['USER', 'USER'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
    ['\u0007', '\u0007'],
    ['a\u00a0b', 'a b'],
    ['e\u0301', '\u00e9'],
    ['\u00ad', '\u00ad'],
    ['pass\ue000word', 'pass\ue000word'],
  ]
  for (const [input, output] of cases) {
    test(JSON.stringify(input), () => assert.equal(saslprep(input), output))
  }
})
