/** What a person may do here. Groups of the token are mapped to these by configuration. */
export type Role = 'requester' | 'approver' | 'auditor' | 'admin'

export const ROLES: readonly Role[] = ['requester', 'approver', 'auditor', 'admin']

/**
 * Who calls, as the broker verified it from a token and a proof of this very request. The account is
 * (issuer, subject); which accounts are one person, its keys say (persons.ts).
 */
export interface Principal {
  readonly issuer: string
  readonly subject: string
  /** Null where the token has none, or says that it is not verified. */
  readonly email: string | null
  readonly groups: readonly string[]
  readonly roles: readonly Role[]
  /** Two that share a key are one person. */
  readonly keys: readonly string[]
  /** A service account: it may ask, and nothing else. */
  readonly machine: boolean
  /** RFC 7638 thumbprint of the key that signed the proof and that the token is bound to. */
  readonly jkt: string
  /** Epoch milliseconds. */
  readonly issuedAt: number
  readonly expiresAt: number
}
