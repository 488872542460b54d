/** What the demo uses of oidc-provider 9, which ships no types. */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  export interface Entity {
    readonly jti: string
    save(): Promise<string>
  }

  export class Grant implements Entity {
    constructor(of: { accountId: string; clientId: string })
    readonly jti: string
    addOIDCScope(scope: string): void
    addResourceScope(resource: string, scope: string): void
    save(): Promise<string>
  }

  export interface DeviceCode extends Entity {
    readonly clientId: string
    readonly isExpired: boolean
    accountId?: string
    error?: string
    inFlight?: boolean
    authTime?: number
    grantId?: string
    scope?: string
    resource?: string
  }

  export interface Interaction {
    readonly uid: string
    readonly prompt: { readonly name: string }
  }

  export interface Context {
    body: unknown
    type: string
    readonly oidc: {
      readonly client: { readonly clientId: string; grantTypeAllowed(type: string): boolean }
      readonly session: { readonly accountId?: string }
    }
  }

  export interface Token {
    readonly accountId: string
  }

  export const interactionPolicy: { base(): { remove(prompt: string): void } }

  export default class Provider {
    constructor(issuer: string, configuration: object)
    readonly Grant: typeof Grant
    readonly DeviceCode: {
      findByUserCode(
        code: string,
        options: { ignoreExpiration: boolean },
      ): Promise<DeviceCode | undefined>
    }
    callback(): (request: IncomingMessage, response: ServerResponse) => void
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: object,
      options?: { mergeWithLastSubmission: boolean },
    ): Promise<void>
    on(event: string, listener: (...values: unknown[]) => void): this
  }
}
