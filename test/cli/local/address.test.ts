import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brokerAddress, isLoopback } from '../../../cli/local/address.ts'

test('addresses as people type them', () => {
  assert.equal(brokerAddress('hoop.example.com'), 'https://hoop.example.com')
  assert.equal(brokerAddress('https://Hoop.Example.com/'), 'https://hoop.example.com')
  assert.equal(brokerAddress('https://x.example/hoop/'), 'https://x.example/hoop')
  assert.equal(brokerAddress('http://127.0.0.1:7070'), 'http://127.0.0.1:7070')
  assert.equal(brokerAddress('http://localhost:7070'), 'http://localhost:7070')
  assert.equal(brokerAddress('http://[::1]:7070'), 'http://[::1]:7070')
})

test('plain http leaves this machine never', () => {
  const others = ['http://hoop.example.com', 'http://10.0.0.1', 'http://127.0.0.1.example.com']
  for (const address of [...others, 'http://localhost.example.com', 'http://0.0.0.0']) {
    assert.throws(() => brokerAddress(address), { code: 'insecure_broker', exit: 2 })
  }
})

test('what is no broker address', () => {
  const wrong = ['', 'ftp://x', 'https://', 'https://a:b@x', 'https://x?y', 'https://x#y', 'a b']
  for (const address of wrong)
    assert.throws(() => brokerAddress(address), { code: 'usage', exit: 2 })
})

test('loopback is loopback by number, in every spelling that a URL turns into one', () => {
  for (const host of ['127.0.0.1', '127.1.2.3', '127.1', '2130706433', '[::1]', 'localhost']) {
    assert.ok(isLoopback(new URL(`http://${host}`)), host)
  }
  for (const host of ['0.0.0.0', '128.0.0.1', 'localhost.example', '[::2]']) {
    assert.equal(isLoopback(new URL(`http://${host}`)), false, host)
  }
})
