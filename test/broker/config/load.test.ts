import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parseDocument } from 'yaml'
import {
  checkConfig,
  configJsonSchema,
  configTemplate,
  loadConfig,
} from '../../../broker/config.ts'
import { HoopError } from '../../../protocol/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'hoop-config-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const ENVIRONMENT = { HOOP_PG_PASSWORD: 'wonderland' }

function write(name: string, text: string, mode = 0o600): string {
  const file = join(folder, name)
  writeFileSync(file, text, { mode })
  chmodSync(file, mode)
  return file
}

/** The template with one value changed: `set({'listen.host': '0.0.0.0'})`. */
function set(values: Readonly<Record<string, unknown>>): string {
  const document = parseDocument(configTemplate())
  for (const [path, value] of Object.entries(values)) {
    const steps = path.split('.').map((step) => (/^\d+$/.test(step) ? Number(step) : step))
    if (value === undefined) document.deleteIn(steps)
    else document.setIn(steps, document.createNode(value))
  }
  return String(document)
}

function faults(text: string, environment: NodeJS.ProcessEnv = ENVIRONMENT): readonly string[] {
  const file = write('broker.yaml', text)
  return checkConfig(file, environment).faults.map((fault) => fault.message)
}

function warnings(text: string, environment: NodeJS.ProcessEnv = ENVIRONMENT): readonly string[] {
  const config = loadConfig(write('broker.yaml', text), environment)
  return config.warnings.map((fault) => fault.message)
}

test('the template passes as it is, and says what it says', () => {
  const config = loadConfig(write('template.yaml', configTemplate()), ENVIRONMENT)
  assert.deepEqual(config.listen, { host: '127.0.0.1', port: 7600 })
  assert.equal(config.publicUrl, 'http://127.0.0.1:7600')
  assert.equal(config.dataDir, join(folder, 'hoop-data'))
  assert.deepEqual(config.approval, {
    expiresAfter: 3_600_000,
    inTransaction: 600_000,
    useWithin: 3_600_000,
    maxPending: 20,
  })
  assert.deepEqual(config.identity.roles, {
    requester: ['engineers', 'dba'],
    approver: ['dba'],
    auditor: ['security'],
    admin: ['platform'],
  })
  const [connection] = config.connections
  assert.equal(connection?.target.password(), 'wonderland')
  assert.deepEqual(connection?.target.tls, { mode: 'verify-full' })
  assert.equal(config.policy.connections.get('pg-prod')?.rules.write.decision, 'hold')
  assert.equal(config.demo, false)
})

test('the template passes even where its password is not set yet, with a warning', () => {
  const found = warnings(configTemplate(), {})
  assert.ok(found.some((message) => message.startsWith('HOOP_PG_PASSWORD is not set here')))
})

test('the policy can stand in a file of its own, and its faults carry its name', () => {
  write('good.yaml', 'connections:\n  pg-prod: {request: [dba], rules: {read: allow}}\n')
  const good = loadConfig(write('a.yaml', set({ policy: './good.yaml' })), ENVIRONMENT)
  assert.deepEqual(good.policy.connections.get('pg-prod')?.request, ['dba'])
  write('bad.yaml', 'connections:\n  pg-prod: {request: [dba], rules: {read: alow}}\n')
  const bad = checkConfig(write('b.yaml', set({ policy: './bad.yaml' })), ENVIRONMENT)
  assert.deepEqual(
    bad.faults.map(({ file, line, column }) => [file, line, column]),
    [[join(folder, 'bad.yaml'), 2, 43]],
  )
  const none = checkConfig(write('c.yaml', set({ policy: './none.yaml' })), ENVIRONMENT)
  assert.match(none.faults[0]!.message, /Cannot read .*none\.yaml: it does not exist/)
})

test('a fault inside an inline policy has its place in the configuration', () => {
  const text = configTemplate().replace('read: allow', 'read: alow')
  const line = text.split('\n').findIndex((one) => one.includes('read: alow')) + 1
  const { faults: found } = checkConfig(write('d.yaml', text), ENVIRONMENT)
  assert.deepEqual(
    found.map((fault) => [fault.line, fault.column]),
    [[line, 15]],
  )
})

test('beyond loopback nothing goes in the clear', () => {
  const far = { 'listen.host': '0.0.0.0' }
  assert.match(faults(set(far))[0]!, /reached from other machines: add tls/)
  assert.deepEqual(faults(set({ ...far, behind_proxy: true })), [])
  for (const host of ['::', '10.0.0.1', 'example.com', '128.0.0.1', '127.0.0.1.example.com']) {
    assert.equal(faults(set({ 'listen.host': host })).length, 1, host)
  }
  for (const host of ['localhost', '::1', '127.8.9.1']) {
    assert.deepEqual(faults(set({ 'listen.host': host })), [], host)
  }
  const url = { public_url: 'https://hoop.example.com' }
  assert.match(faults(set(url))[0]!, /say behind_proxy: true/)
  assert.deepEqual(faults(set({ ...url, behind_proxy: true })), [])
  assert.match(
    faults(set({ public_url: 'http://hoop.example.com', behind_proxy: true }))[0]!,
    /only https/,
  )
  assert.match(faults(set({ 'identity.issuer': 'http://id.example.com' }))[0]!, /only https/)
  assert.deepEqual(faults(set({ 'identity.issuer': 'http://127.0.0.1:9000' })), [])
})

test('TLS: both files, a key that others cannot read, not beside a proxy', () => {
  write('cert.pem', 'x', 0o644)
  const tls = { cert: './cert.pem', key: './key.pem' }
  const serve = { tls, 'listen.host': '0.0.0.0', public_url: 'https://hoop.example.com' }
  assert.match(faults(set(serve))[0]!, /there is no file .*key\.pem/)
  write('key.pem', 'x', 0o644)
  assert.match(faults(set(serve))[0]!, /chmod 600/)
  write('key.pem', 'x', 0o600)
  assert.deepEqual(faults(set(serve)), [])
  assert.match(
    faults(set({ ...serve, behind_proxy: true }))[0]!,
    /either the proxy ends TLS or hoop/,
  )
  assert.match(faults(set({ ...serve, public_url: 'http://127.0.0.1' }))[0]!, /starts with https/)
})

test("a secret is not written inline, unless one insists, in a file of one's own", () => {
  const plain = { 'connections.0.target.password': { plain: 'hunter2' } }
  const found = faults(set(plain))
  assert.match(found[0]!, /a secret in this file/)
  assert.ok(!found.join().includes('hunter2'))
  const insist = set({ ...plain, allow_plain_secrets: true })
  assert.deepEqual(faults(insist), [])
  const open = write('open.yaml', insist, 0o644)
  assert.match(checkConfig(open, ENVIRONMENT).faults[0]!.message, /chmod 600/)
  assert.match(
    faults(set({ 'connections.0.target.password': 'hunter2' }))[0]!,
    /is not written here/,
  )
})

test('a secret in a file: there, not empty, its own, read anew each time', () => {
  const text = set({ 'connections.0.target.password': { file: './secret' } })
  assert.match(faults(text)[0]!, /there is no file/)
  write('secret', '')
  assert.match(faults(text)[0]!, /is empty/)
  write('secret', 'first\n', 0o640)
  assert.match(faults(text)[0]!, /chmod 600/)
  write('secret', 'first\n')
  const { target } = loadConfig(write('e.yaml', text), ENVIRONMENT).connections[0]!
  assert.equal(target.password(), 'first')
  write('secret', 'sec ond \r\n')
  assert.equal(target.password(), 'sec ond ')
  write('secret', 'third', 0o644)
  assert.throws(() => target.password(), { code: 'secret_missing' })
})

test('a secret that is not in the environment says so when it is asked for', () => {
  const { target } = loadConfig(write('f.yaml', configTemplate()), {}).connections[0]!
  assert.throws(() => target.password(), /HOOP_PG_PASSWORD is not set/)
})

test('a configuration is printed without its secrets', () => {
  const text = set({
    'connections.0.target.password': { plain: 'hunter2' },
    allow_plain_secrets: true,
  })
  const config = loadConfig(write('g.yaml', text), ENVIRONMENT)
  assert.ok(!JSON.stringify(config).includes('hunter2'))
})

test('connections: named once, with rules, databases once, roles in pairs', () => {
  const again = configTemplate().replace('databases: [app]', 'databases: [app, app]')
  assert.deepEqual(faults(again), ['this database is named twice'])
  const unknown = set({ 'connections.0.name': 'pg-prd' })
  assert.deepEqual(faults(unknown), ['the policy says nothing of pg-prd: did you mean "pg-prod"?'])
  assert.match(faults(set({ 'connections.0.writer_role': 'w' }))[0]!, /beside a reader_role/)
  const [connection] = (parseDocument(configTemplate()).toJS() as { connections: object[] })
    .connections
  assert.deepEqual(faults(set({ connections: [connection, connection] })), [
    'this name is taken by a connection above',
  ])
  assert.match(faults(set({ 'connections.0.kind': 'mysql' }))[0]!, /kind is postgres/)
  assert.match(faults(set({ 'connections.0.databases': ['x'.repeat(64)] }))[0]!, /63 bytes/)
})

test('numbers, times and sizes', () => {
  assert.match(
    faults(set({ 'listen.port': 70_000 }))[0]!,
    /a port is a whole number from 1 to 65535/,
  )
  assert.match(faults(set({ 'approval.expires_after': '1 hour' }))[0]!, /write a time like/)
  assert.match(faults(set({ 'approval.expires_after': '0s' }))[0]!, /write a time like/)
  assert.match(faults(set({ limits: { copy_spool: '2 gigs' } }))[0]!, /write a size like/)
  const config = loadConfig(write('h.yaml', set({ limits: { copy_spool: '512MB' } })), ENVIRONMENT)
  assert.equal(config.limits.copySpool, 512 * 2 ** 20)
})

test('unknown and missing keys', () => {
  const text = configTemplate().replace('public_url:', 'pubic_url:')
  assert.deepEqual(faults(text).toSorted(), [
    '"public_url" is missing here',
    'unknown key "pubic_url"; did you mean "public_url"?',
  ])
})

test('the demo stays on loopback', () => {
  assert.deepEqual(faults(set({ demo: true })), [])
  const far = { demo: true, 'listen.host': '0.0.0.0', behind_proxy: true }
  assert.deepEqual(faults(set(far)), ['the demo stays on loopback'])
})

test('warnings: what works and was perhaps not meant', () => {
  assert.match(
    warnings(set({ 'connections.0.target.tls.mode': 'require' })).join('\n'),
    /nothing proves/,
  )
  assert.match(
    warnings(set({ 'identity.roles.approver': ['sre'] })).join('\n'),
    /asks dba, which has not/,
  )
  const roles = { 'connections.0.reader_role': 'r', 'connections.0.writer_role': 'w' }
  assert.deepEqual(warnings(set(roles)), [])
})

test('a unix socket has no TLS', () => {
  const text = set({
    'connections.0.target.host': '/run/postgresql',
    'connections.0.target.tls': undefined,
  })
  const config = loadConfig(write('i.yaml', text), ENVIRONMENT)
  assert.equal(config.connections[0]?.target.tls.mode, 'disable')
})

test('a file that cannot be read, or is no YAML, is an error of usage', () => {
  for (const file of [join(folder, 'missing.yaml'), folder]) {
    assert.throws(
      () => loadConfig(file),
      (error) => {
        assert.ok(error instanceof HoopError)
        assert.deepEqual([error.code, error.exit], ['unreadable_file', 2])
        return true
      },
    )
  }
  const broken = write('broken.yaml', 'listen: [\n')
  assert.throws(() => loadConfig(broken), { code: 'bad_config', exit: 2 })
})

test('editors get a JSON schema', () => {
  const schema = JSON.stringify(configJsonSchema())
  for (const word of ['public_url', 'reader_role', 'verify-full']) assert.ok(schema.includes(word))
})

const NOTIFY = { url: 'https://hooks.example.test/T0', secret: { env: 'HOOP_KEY' } }
const KEYED = { ...ENVIRONMENT, HOOP_KEY: 'k' }

test('an endpoint to tell: what is unsaid, and what is read when it is used', () => {
  const file = write('url', 'https://chat.example.test/T0\n')
  const chat = { url: { file }, format: 'slack', events: ['held'], statements: 'none' }
  const config = loadConfig(write('broker.yaml', set({ notify: [NOTIFY, chat] })), KEYED)
  const [json, slack] = config.notify
  assert.deepEqual([json?.name, json?.statements, json?.events], ['json', 'without_values', null])
  assert.deepEqual([json?.url(), json?.secret?.()], [NOTIFY.url, 'k'])
  assert.deepEqual([slack?.name, slack?.secret], ['slack', null])
  assert.equal(slack?.url(), 'https://chat.example.test/T0')
  write('url', 'http://chat.example.test/T0')
  assert.throws(() => slack?.url(), { code: 'bad_address', message: /only https/ })
})

test('an endpoint in the clear, unsigned, unknown or named twice is a fault', () => {
  const of = (...endpoints: object[]) => faults(set({ notify: endpoints }), KEYED)
  assert.deepEqual(of({ ...NOTIFY, url: 'http://hooks.example.test/' }), [
    'beyond this machine only https:// is used',
  ])
  assert.deepEqual(of({ ...NOTIFY, url: 'http://127.0.0.1:9/' }), [])
  assert.deepEqual(of({ ...NOTIFY, url: 'https://a:b@hooks.example.test/' }), [
    'an address has no user and password here',
  ])
  assert.match(of({ url: NOTIFY.url })[0] ?? '', /a key for the signature is missing/)
  assert.match(of(NOTIFY, NOTIFY)[0] ?? '', /json is taken: give each a name/)
  assert.match(of({ ...NOTIFY, connections: ['pg-prd'] })[0] ?? '', /no connection pg-prd/)
  assert.match(of({ ...NOTIFY, events: ['hold'] })[0] ?? '', /an event is one of held/)
  assert.match(of({ ...NOTIFY, format: 'slak' })[0] ?? '', /format is one of json, slack, teams/)
  assert.match(of({ ...NOTIFY, secret: { plain: 'x' } })[0] ?? '', /a secret in this file/)
})

test('an address of a chat that stands in the file is worth a word', () => {
  const said = warnings(set({ notify: [{ url: NOTIFY.url, format: 'slack' }] }), KEYED)
  assert.ok(said.some((each) => /who knows this address can write there/.test(each)))
  const unset = warnings(set({ notify: [NOTIFY] }))
  assert.ok(unset.some((each) => /HOOP_KEY is not set here/.test(each)))
})
