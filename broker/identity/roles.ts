import { ROLES, type Role } from './principal.ts'

/** For each role the groups that have it: `{ approver: ['dba'] }`. */
export type GroupsByRole = Readonly<Partial<Record<Role, readonly string[]>>>

const MAX_GROUPS = 2_000
const MAX_GROUP_LENGTH = 256

/** The roles that these groups give, in the order of ROLES. A group compares exactly, case included. */
export function rolesOf(groups: readonly string[], groupsByRole: GroupsByRole): Role[] {
  const member = new Set(groups)
  return ROLES.filter((role) => groupsByRole[role]?.some((group) => member.has(group)) ?? false)
}

/**
 * The groups in a token's claims. `claim` is a name (`groups`, `https://example.com/groups`) or, where no
 * claim has that name, a path (`realm_access.roles`). What is no list of strings gives no groups: a strange
 * token makes a person smaller, never larger.
 */
export function groupsOf(claims: Readonly<Record<string, unknown>>, claim: string): string[] {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : at(claims, claim.split('.'))
  const list = typeof value === 'string' ? [value] : value
  if (!Array.isArray(list) || list.length > MAX_GROUPS || !list.every(isGroup)) return []
  return [...new Set(list)]
}

function isGroup(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_GROUP_LENGTH
}

function at(value: unknown, path: readonly string[]): unknown {
  const [head, ...rest] = path
  if (head === undefined) return value
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, head)) return undefined
  return at((value as Record<string, unknown>)[head], rest)
}
