import type { StatementClass } from '../../protocol/pg/statement.ts'
import { canonical } from '../policy/canonical.ts'
import { CLASSES, type ConnectionPolicy, type Policy } from '../policy/policy.ts'
import type { AppliedRule, Person } from '../store/store.ts'

/** One version of the policy, and who wanted it so; nobody, for the first. */
export interface AuthoredPolicy {
  readonly policy: Policy
  readonly authors: readonly Person[]
}

/** Label of a part of the policy → who changed it last. */
export type Authors = ReadonlyMap<string, readonly Person[]>

/** Derived from the texts alone: a part is its author's from the version on in which it became another one. */
export function authorsOf(versions: readonly AuthoredPolicy[]): Authors {
  let authors: Authors = new Map()
  let before: Policy | null = null
  for (const { policy, authors: own } of versions) {
    authors = nextAuthors(authors, before, { policy, authors: own })
    before = policy
  }
  return authors
}

/** The same, when one more version comes into force. */
export function nextAuthors(known: Authors, before: Policy | null, next: AuthoredPolicy): Authors {
  const old = before === null ? new Map<string, string>() : partsOfPolicy(before)
  const parts = partsOfPolicy(next.policy)
  return new Map(
    [...parts].map(([label, text]) => {
      const same = old.get(label) === text
      return [label, same ? (known.get(label) ?? []) : next.authors]
    }),
  )
}

/**
 * What decides on statements of these classes: their rules, the lines of `statements` (one that is
 * gone decides, too), predicates with masks, and what is said of the connection as a whole.
 */
export function appliedRule(
  authors: Authors,
  connection: string,
  classes: readonly StatementClass[],
): AppliedRule {
  const own = [...new Set(classes)].map((name) => `${connection}.rules.${name}`)
  const all = [...own, `${connection}.statements`, `${connection}.predicates`, connection, '*']
  const labels = all.filter((label) => (authors.get(label) ?? []).length > 0)
  const keys = labels.flatMap((label) => authors.get(label)!.flatMap((person) => person.keys))
  return { labels, authors: [...new Set(keys)] }
}

function partsOfPolicy({ connections, ...rest }: Policy): ReadonlyMap<string, string> {
  const parts = new Map([['*', canonical(rest)]])
  for (const policy of connections.values()) {
    for (const [label, text] of partsOf(policy)) parts.set(label, text)
  }
  return parts
}

/** What is named here has a part of its own or decides nothing; all else concerns the connection as a whole. */
function partsOf(policy: ConnectionPolicy): readonly (readonly [string, string])[] {
  const { connection, rules, statements, predicates, mask, ...more } = policy
  const { places: _places, see: _see, detect: _detect, ...rest } = more
  return [
    ...CLASSES.map((name) => [`${connection}.rules.${name}`, canonical(rules[name])] as const),
    [`${connection}.statements`, canonical(statements)],
    [`${connection}.predicates`, canonical({ predicates, mask })],
    [connection, canonical(rest)],
  ]
}
