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
  const { settings, signal } = options
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
    const limit = AbortSignal.timeout(started.expires_in * 1000)
    const polling = openid.pollDeviceAuthorizationGrant(
      configuration,
      options.interval === undefined ? started : { ...started, interval: options.interval },
      parameters,
      { DPoP, signal: AbortSignal.any([signal, limit]) },
    )
    // The library looks at the signal between two polls only; Ctrl-C does not wait for that.
    const answer = await Promise.race([polling, aborted(signal)])
    return credentialsFrom(answer, settings, key, null)
  } catch (error) {
    throw translated(error, settings.issuer, signal)
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
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

function translated(error: unknown, issuer: string, signal: AbortSignal): HoopError {
  if (signal.aborted) {
    return new HoopError({
      code: 'cancelled',
      message: 'The login was cancelled; nothing was changed.',
      exit: EXIT.failed,
      fault: 'client',
      cause: error,
    })
  }
  const { code } = error as { code?: unknown }
  if (code !== 'OAUTH_TIMEOUT') return providerError(error, issuer)
  return new HoopError({
    code: 'login_timed_out',
    message: 'Nobody completed the login in time.',
    hint: 'Run `hoop login` again.',
    exit: EXIT.login,
    fault: 'client',
    cause: error,
  })
}
