import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type DemoProvider, startProvider } from '../../../broker/demo/provider.ts'
import type { Credentials } from '../../../cli/login/credentials.ts'
import { type DeviceCode, deviceFlow } from '../../../cli/login/device-flow.ts'
import { refresh, revoke } from '../../../cli/login/refresh.ts'
import { PEOPLE } from '../../support/identity.ts'

let provider: DemoProvider
before(async () => {
  provider = await startProvider({ users: PEOPLE })
})
after(() => provider.close())

function flow(onCode: (code: DeviceCode) => Promise<void>): Promise<Credentials> {
  const signal = new AbortController().signal
  return deviceFlow({ settings: provider, signal, interval: 0.05, onCode })
}

function claimsOf(credentials: Credentials): Record<string, unknown> {
  const [, claims = ''] = credentials.accessToken.split('.')
  return JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>
}

/** A browser: it keeps cookies, follows redirects and fills in forms. */
class Browser {
  readonly #cookies = new Map<string, string>()

  async get(address: string): Promise<string> {
    return this.#go(address, { method: 'GET' })
  }

  /** Sends the page's form with these fields added, as a click on a button does. */
  async submit(page: string, fields: Record<string, string>): Promise<string> {
    const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1] ?? assert.fail(page)
    const body = new URLSearchParams()
    for (const [tag] of page.matchAll(/<input[^>]*>/g)) {
      const name = /name="([^"]*)"/.exec(tag)?.[1]
      const value = /value="([^"]*)"/.exec(tag)?.[1]
      if (name !== undefined && value !== undefined) body.set(name, value)
    }
    for (const [name, value] of Object.entries(fields)) body.set(name, value)
    return this.#go(new URL(action, provider.issuer).href, { method: 'POST', body })
  }

  async #go(address: string, init: RequestInit): Promise<string> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(address, { ...init, headers: { cookie }, redirect: 'manual' })
    for (const set of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
      this.#cookies.set(name, value)
    }
    const next = response.headers.get('location')
    if (next === null) return response.text()
    await response.body?.cancel()
    return this.#go(new URL(next, address).href, { method: 'GET' })
  }
}

/** Opens the address with the code in it, as `hoop login` shows it, up to the question about the code. */
async function confirmation(browser: Browser, code: DeviceCode): Promise<string> {
  const first = await browser.get(code.verification_uri_complete)
  const page = await browser.submit(first, {})
  assert.ok(page.includes(code.user_code), page)
  return page
}

describe('a person in a browser', () => {
  test('confirms the code, says who they are, and is logged in', async () => {
    const browser = new Browser()
    const credentials = await flow(async (code) => {
      const persons = await browser.submit(await confirmation(browser, code), {})
      assert.match(persons, /Who are you\?/)
      assert.match(await browser.submit(persons, { account: 'alice' }), /You are logged in/)
    })
    const { sub, email, groups, aud, cnf } = claimsOf(credentials)
    assert.deepEqual([sub, email, groups], ['alice', 'alice@example.com', ['engineers']])
    assert.equal(aud, provider.audience)
    assert.match((cnf as { jkt: string }).jkt, /^[\w-]{43}$/)
  })

  test('types the code by hand, in lower case', async () => {
    const browser = new Browser()
    const credentials = await flow(async (code) => {
      const first = await browser.get(code.verification_uri)
      const page = await browser.submit(first, { user_code: code.user_code.toLowerCase() })
      await browser.submit(await browser.submit(page, {}), { account: 'bob' })
    })
    assert.equal(claimsOf(credentials)['sub'], 'bob')
  })

  test('denies it: the login ends with exit 3', async () => {
    const browser = new Browser()
    const denied = flow(async (code) => {
      await browser.submit(await confirmation(browser, code), { abort: 'yes' })
    })
    await assert.rejects(denied, { code: 'login_denied', exit: 3 })
  })

  test('a wrong code is said to be wrong, and asked for again', async () => {
    const browser = new Browser()
    const page = await browser.get(`${provider.issuer}/device`)
    assert.match(await browser.submit(page, { user_code: 'AAAA-AAAA' }), /not known/)
  })

  test('a name that is none', async () => {
    const browser = new Browser()
    let answer = ''
    const credentials = await flow(async (code) => {
      const persons = await browser.submit(await confirmation(browser, code), {})
      answer = await browser.submit(persons, { account: '<script>' })
      await browser.submit(persons, { account: 'alice' })
    })
    assert.match(answer, /no such person/)
    assert.equal(claimsOf(credentials)['sub'], 'alice')
  })
})

describe('POST /demo/approve-device', () => {
  const post = (body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${provider.issuer}/demo/approve-device`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })

  test('completes a login once', async () => {
    let again: Response | null = null
    const credentials = await flow(async ({ user_code }) => {
      assert.equal((await post({ user_code, account: 'bob' })).status, 200)
      again = await post({ user_code, account: 'alice' })
    })
    assert.equal(claimsOf(credentials)['sub'], 'bob')
    assert.equal((again as Response | null)?.status, 400)
  })

  test('not for a web page, an unknown person, an unknown code or garbage', async () => {
    const body = { user_code: 'AAAA-AAAA', account: 'alice' }
    assert.equal((await post(body, { Origin: 'http://evil.example.com' })).status, 405)
    assert.equal((await post(body, { 'Content-Type': 'text/plain' })).status, 405)
    assert.equal((await post(body)).status, 400)
    assert.equal((await post({ ...body, account: 'mallory' })).status, 400)
    assert.equal((await post(null)).status, 400)
    assert.equal((await post('x'.repeat(20_000))).status, 400)
  })
})

describe('refresh tokens', () => {
  const alice = (): Promise<Credentials> =>
    flow(({ user_code }) => provider.approveDevice(user_code, 'alice'))

  test('rotate; a used one ends the whole login', async () => {
    const first = await alice()
    const second = await refresh(first, first.refreshToken ?? '')
    assert.notEqual(second.refreshToken, first.refreshToken)
    await assert.rejects(refresh(first, first.refreshToken ?? ''), { code: 'login_expired' })
    await assert.rejects(refresh(second, second.refreshToken ?? ''), { code: 'login_expired' })
  })

  test('are bound to the key of the login', async () => {
    const [first, other] = [await alice(), await alice()]
    const stolen = refresh({ ...first, key: other.key }, first.refreshToken ?? '')
    await assert.rejects(stolen, { code: 'login_expired' })
  })

  test('end when revoked', async () => {
    const first = await alice()
    await revoke(first)
    await assert.rejects(refresh(first, first.refreshToken ?? ''), { code: 'login_expired' })
  })
})
