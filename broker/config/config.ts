import type { Fault } from '../policy/document.ts'
import type { Policy } from '../policy/policy.ts'
import type { PersonsConfig } from './persons.ts'

/** The broker's configuration: checked, complete, paths absolute, times in milliseconds. */
export interface Config {
  /** The file that it was read from. */
  readonly file: string
  readonly demo: boolean
  readonly listen: { readonly host: string; readonly port: number }
  /** As people and the identity provider know it; without a slash at the end. */
  readonly publicUrl: string
  /** Paths of PEM files. */
  readonly tls: { readonly cert: string; readonly key: string } | null
  readonly behindProxy: boolean
  readonly identity: IdentityConfig
  readonly dataDir: string
  /** As the file has it: in force from the first start on, until another version is. */
  readonly policy: Policy
  readonly policyText: string
  /** The key of sealed secrets, read anew each time; null: there is none. */
  readonly secretsKey: (() => string) | null
  readonly approval: ApprovalConfig
  readonly limits: LimitsConfig
  readonly connections: readonly ConnectionConfig[]
  readonly notify: readonly NotifyConfig[]
  /** What works but was perhaps not meant. */
  readonly warnings: readonly Fault[]
}

export interface IdentityConfig extends PersonsConfig {
  readonly issuer: string
  readonly clientId: string
  readonly audience: string
  readonly scopes: readonly string[]
  readonly groupsClaim: string
  readonly roles: Readonly<
    Record<'requester' | 'approver' | 'auditor' | 'admin', readonly string[]>
  >
}

export interface ApprovalConfig {
  /** From the question to the answer. */
  readonly expiresAfter: number
  /** The same, where a transaction is open and holds locks. */
  readonly inTransaction: number
  /** From the answer to its use. */
  readonly useWithin: number
  /** Requests of one person that wait on one connection. */
  readonly maxPending: number
}

export interface LimitsConfig {
  readonly sessionsPerPerson: number
  /** Bytes of one COPY FROM STDIN that are kept until somebody decides. */
  readonly copySpool: number
}

export interface ConnectionConfig {
  readonly name: string
  readonly kind: 'postgres'
  readonly target: TargetConfig
  /** The first is the one that is meant where none is named. */
  readonly databases: readonly [string, ...string[]]
  readonly readerRole: string | null
  readonly writerRole: string | null
}

/** Somewhere that people are told. */
export interface NotifyConfig {
  readonly name: string
  readonly format: 'json' | 'slack' | 'teams'
  /** Read anew each time; throws `secret_missing` or `bad_address`. */
  readonly url: () => string
  /** The key of the signature; null: none. */
  readonly secret: (() => string) | null
  /** Null: all. */
  readonly events: readonly string[] | null
  readonly connections: readonly string[] | null
  readonly statements: 'whole' | 'without_values' | 'none'
}

export interface TargetConfig {
  readonly host: string
  readonly port: number
  readonly user: string
  /** Read anew each time; throws `secret_missing`. */
  readonly password: () => string | Promise<string>
  /** The sealed secret that it is; null: it is none of hoop's. */
  readonly secret: string | null
  readonly tls: {
    readonly mode: 'disable' | 'require' | 'verify-ca' | 'verify-full'
    readonly ca?: string
    readonly serverName?: string
  }
  readonly connectTimeoutMs: number
  readonly allowCleartextPassword: boolean
}
