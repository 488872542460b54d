import * as openid from 'openid-client'
import { EXIT, HoopError } from '../../protocol/errors.ts'
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

/** What the person needs to complete the login on another screen (RFC 8628 section 3.2). */
export interface DeviceCode {
  readonly verification_uri: string
  readonly verification_uri_complete: string
  readonly user_code: string
  readonly expires_in: number
}

export interface DeviceFlowOptions {
  readonly settings: ProviderSettings
  readonly signal: AbortSignal
  /** Called once, as soon as there is a code. */
  readonly onCode: (code: DeviceCode) => Promise<void>
  /** Seconds between two questions to the provider, where it may be quicker than the provider says. */
  readonly interval?: number
}

/** RFC 8628 from the code to tokens that are bound to a key made for this login. */
export async function deviceFlow(options: DeviceFlowOptions): Promise<Credentials> {
  const { settings } = options
  const configuration = await discoverProvider(settings)
  requireDeviceFlow(configuration, settings.issuer)
  const parameters = audienceParameters(settings.audience)
  try {
    const scope = settings.scopes.join(' ')
    const started = await openid.initiateDeviceAuthorization(configuration, {
      scope,
      ...parameters,
    })
    await options.onCode(deviceCode(started, settings.issuer))
    const key = await generateKey()
    const DPoP = await dpopHandle(configuration, key)
    const answer = await poll(configuration, started, DPoP, options)
    return credentialsFrom(answer, settings, key, null)
  } catch (error) {
    throw providerError(error, settings.issuer)
  }
}

/** RFC 8628 section 3.4: asks until the person is done, and no longer than the code is good. */
async function poll(
  configuration: openid.Configuration,
  started: openid.DeviceAuthorizationResponse,
  DPoP: openid.DPoPHandle,
  options: DeviceFlowOptions,
): Promise<openid.TokenEndpointResponse> {
  const { settings, signal, interval } = options
  const limit = AbortSignal.timeout(started.expires_in * 1000)
  try {
    return await openid.pollDeviceAuthorizationGrant(
      configuration,
      interval === undefined ? started : { ...started, interval },
      audienceParameters(settings.audience),
      { DPoP, signal: AbortSignal.any([signal, limit]) },
    )
  } catch (error) {
    throw limit.aborted ? nobodyCame(error) : error
  }
}

/** Addresses that a terminal or a browser is given are web addresses and nothing else. */
function deviceCode(started: openid.DeviceAuthorizationResponse, issuer: string): DeviceCode {
  const { verification_uri, user_code, expires_in } = started
  const complete = started.verification_uri_complete ?? verification_uri
  for (const address of [verification_uri, complete]) {
    if (!/^https?:\/\/[\x21-\x7e]+$/i.test(address)) {
      throw providerError(new TypeError('its login page has no web address'), issuer)
    }
  }
  return { verification_uri, verification_uri_complete: complete, user_code, expires_in }
}

function requireDeviceFlow(configuration: openid.Configuration, issuer: string): void {
  if (configuration.serverMetadata().device_authorization_endpoint !== undefined) return
  throw new HoopError({
    code: 'no_device_flow',
    message: `The identity provider ${issuer} does not offer the device flow.`,
    hint: 'Enable the OAuth 2.0 Device Authorization Grant (RFC 8628) there.',
    exit: EXIT.login,
    fault: 'upstream',
  })
}

function nobodyCame(cause: unknown): HoopError {
  return new HoopError({
    code: 'login_timed_out',
    message: 'Nobody completed the login in time.',
    hint: 'Run `hoop login` again.',
    exit: EXIT.login,
    fault: 'client',
    cause,
  })
}
