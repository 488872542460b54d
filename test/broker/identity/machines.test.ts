import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { clientCredentials } from '../../../cli/login/client-credentials.ts'
import type { Credentials } from '../../../cli/login/credentials.ts'
import { createProver } from '../../../cli/login/proof.ts'
import { type IdentityBench, startIdentity } from '../../support/identity.ts'

/** Machine identities of a real provider: the client credentials grant, bound to a key. */
let bench: IdentityBench

const SECRET = 'a long secret of a machine'
const machines = ['ci-deploy', 'nightly', 'stray'].map((name) => ({ name, secret: SECRET }))

before(async () => {
  bench = await startIdentity({
    machines,
    persons: (issuer) => ({
      persons: [{ name: 'alice', accounts: [{ issuer, subject: 'alice' }] }],
      personClaim: null,
      machines: [
        {
          ...{ issuer, subject: 'ci-deploy', owner: { person: 'alice' } },
          groups: ['engineers', 'dba'],
        },
        {
          issuer,
          subject: 'nightly',
          owner: { account: { issuer, subject: 'bob' } },
          groups: null,
        },
      ],
    }),
  })
})
after(() => bench.close())

const login = (clientId: string, clientSecret = SECRET): Promise<Credentials> =>
  clientCredentials({ ...bench.provider, clientId, clientSecret })

async function authenticate({ accessToken, key }: Credentials) {
  const prover = await createProver(key)
  const proof = await prover.prove({
    ...{ method: 'GET', url: `${bench.broker}/v1/whoami`, accessToken },
    ...{ nonce: bench.authenticator.nonce(), now: Date.now() },
  })
  const headers = { authorization: `DPoP ${accessToken}`, dpop: proof }
  return bench.authenticator.authenticate({ method: 'GET', url: '/v1/whoami', headers })
}

test('a machine is its owner for the duties, has the groups that are configured, and only asks', async () => {
  const who = await authenticate(await login('ci-deploy'))
  assert.equal(who.machine, true)
  assert.deepEqual(who.groups, ['engineers', 'dba'])
  assert.deepEqual(who.roles, ['requester'], 'dba makes no approver of it')
  assert.deepEqual(who.keys, [`account:${bench.provider.issuer} ci-deploy`, 'person:alice'])
})

test('without groups in the configuration it has those of its token: here none', async () => {
  const who = await authenticate(await login('nightly'))
  assert.deepEqual([who.groups, who.roles], [[], []])
})

test('a machine without an owner is refused, with what to do', async () => {
  await assert.rejects(authenticate(await login('stray')), {
    ...{
      code: 'unknown_machine',
      exit: 4,
      message: 'stray is a machine identity without an owner.',
    },
  })
})

test('a wrong secret is refused by the provider', async () => {
  await assert.rejects(login('ci-deploy', 'wrong'), { code: 'provider_refused', exit: 3 })
})

test('the login is made anew with the same key', async () => {
  const first = await login('ci-deploy')
  const again = await clientCredentials({ ...first, clientSecret: SECRET }, first.key)
  assert.notEqual(again.accessToken, first.accessToken)
  assert.deepEqual(again.key, first.key)
  assert.equal(again.clientSecret, SECRET)
})
