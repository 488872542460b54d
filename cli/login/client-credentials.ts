import * as openid from 'openid-client'
import type { Credentials } from './credentials.ts'
import {
  audienceParameters,
  credentialsFrom,
  discoverProvider,
  dpopHandle,
  generateKey,
  type ProviderSettings,
  providerError,
} from './provider.ts'

export interface ClientSettings extends ProviderSettings {
  /** The machine's own, at the identity provider. */
  readonly clientSecret: string
}

/** A machine logs in as itself (RFC 6749 section 4.4), with tokens that are bound to a key of its own. */
export async function clientCredentials(
  settings: ClientSettings,
  key: Credentials['key'] | null = null,
): Promise<Credentials> {
  const configuration = await discoverProvider(settings)
  const own = key ?? (await generateKey())
  const DPoP = await dpopHandle(configuration, own)
  const parameters = audienceParameters(settings.audience)
  try {
    const answer = await openid.clientCredentialsGrant(configuration, parameters, { DPoP })
    const { clientSecret } = settings
    return { ...credentialsFrom(answer, settings, own, null), clientSecret }
  } catch (error) {
    throw providerError(error, settings.issuer)
  }
}
