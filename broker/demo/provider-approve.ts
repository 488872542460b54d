import type Provider from 'oidc-provider'
import type { Person } from './provider-pages.ts'

export interface Approval {
  readonly userCode: string
  readonly account: string
  readonly persons: ReadonlyMap<string, Person>
  readonly audience: string
  readonly scopes: readonly string[]
  /** The scope of the broker's API. */
  readonly scope: string
}

/** What the pages do after the last click, in one step, for `hoop login --as`. */
export async function approveDevice(provider: Provider, approval: Approval): Promise<void> {
  const { account, persons, audience, scopes, scope } = approval
  if (!persons.has(account)) {
    throw new Error(
      `The demo knows no ${JSON.stringify(account)}; it has ${[...persons.keys()].join(', ')}.`,
    )
  }
  const normalized = approval.userCode.toUpperCase().replace(/\W/g, '')
  const code = await provider.DeviceCode.findByUserCode(normalized, { ignoreExpiration: false })
  if (code === undefined || code.isExpired || code.accountId !== undefined || code.error) {
    throw new Error('That code is not known, or it was used or expired.')
  }
  const grant = new provider.Grant({ accountId: account, clientId: code.clientId })
  grant.addOIDCScope(scopes.join(' '))
  grant.addResourceScope(audience, scope)
  code.grantId = await grant.save()
  code.accountId = account
  code.authTime = Math.floor(Date.now() / 1000)
  code.scope = [...scopes, scope].join(' ')
  code.resource = audience
  await code.save()
}
