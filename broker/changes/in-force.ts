import type { ConnectionConfig } from '../config.ts'
import { parsePolicy } from '../policy/parse.ts'
import type { ConnectionPolicy, Policy } from '../policy/policy.ts'
import type { Authors } from './authors.ts'

/** One version of the policy. Another object is another version: what was judged by this one is void then. */
export interface Rules {
  readonly version: number
  /** SHA-256 of its text, in hex. */
  readonly digest: string
  readonly policy: Policy
  /** Who changed which part of it last. */
  readonly authors: Authors
}

/** What hoop goes by now: asked for each time, for it may be another one the next time. */
export interface InForce {
  rules(): Rules
  connections(): readonly ConnectionConfig[]
}

/** What the rules say of a connection; where they say nothing, nobody may do anything. */
export function policyOf({ policy }: Rules, connection: string): ConnectionPolicy {
  return policy.connections.get(connection) ?? closed(connection)
}

function closed(connection: string): ConnectionPolicy {
  const text = JSON.stringify({ connections: { [connection]: { request: ['nobody'], rules: {} } } })
  const policy = parsePolicy(text, 'a connection without rules').connections.get(connection)!
  return { ...policy, request: [] }
}
