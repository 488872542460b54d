import * as openid from 'openid-client'
import type { Credentials } from './credentials.ts'
import {
  audienceParameters,
  credentialsFrom,
  discoverProvider,
  dpopHandle,
  providerError,
} from './provider.ts'

/** RFC 6749 section 6 with a DPoP proof by the same key, to which a public client's refresh token is bound. */
export async function refresh(kept: Credentials, refreshToken: string): Promise<Credentials> {
  const configuration = await discoverProvider(kept)
  const DPoP = await dpopHandle(configuration, kept.key)
  const parameters = audienceParameters(kept.audience)
  try {
    const answer = await openid.refreshTokenGrant(configuration, refreshToken, parameters, { DPoP })
    return credentialsFrom(answer, kept, kept.key, refreshToken)
  } catch (error) {
    throw providerError(error, kept.issuer)
  }
}

/** RFC 7009. The provider forgets the refresh token, and with it what was issued for it. */
export async function revoke(kept: Credentials): Promise<void> {
  if (kept.refreshToken === null) return
  const configuration = await discoverProvider(kept)
  if (configuration.serverMetadata().revocation_endpoint === undefined) return
  try {
    await openid.tokenRevocation(configuration, kept.refreshToken, {
      token_type_hint: 'refresh_token',
    })
  } catch (error) {
    throw providerError(error, kept.issuer)
  }
}
