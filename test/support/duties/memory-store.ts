import { accountKey } from '../../../broker/store/keys.ts'
import { joined } from '../../../broker/store/people.ts'
import type {
  Addition,
  KnownPerson,
  Link,
  RequestRecord,
  Requests,
  Store,
} from '../../../broker/store/store.ts'

/**
 * A store that believes everything it is told: no rule of the database stands behind the code. What
 * holds on it, the code alone holds.
 */
export function memoryStore(links: readonly Link[]): Store {
  const records = new Map<string, RequestRecord>()
  const people = new Map<string, KnownPerson>()
  const seen = new Map<string, Set<string>>()
  const accounts = () =>
    [...new Set([...seen.keys(), ...links.map(accountKey)])].map((account) => ({
      keys: [
        account,
        ...(seen.get(account) ?? []),
        ...links.filter((link) => accountKey(link) === account).flatMap((link) => link.keys),
      ],
      groups: people.get(account)?.groups ?? [],
    }))
  const requests: Pick<Requests, 'insertBelow' | 'read' | 'add' | 'list' | 'nextDue'> = {
    insertBelow: async (_most, content, first) => {
      const record: RequestRecord = {
        ...content,
        state: 'pending',
        createdAt: first.at,
        expiresAt: first.until!,
        tail: null,
        history: [first],
        decisions: [],
        questions: [],
        outcome: null,
      }
      records.set(content.id, record)
      return record
    },
    read: async (id) => records.get(id) ?? null,
    add: async (id, _by, step) => {
      const record = records.get(id)
      if (record === undefined) return null
      const after = step(record, joined(accounts())).reduce(added, record)
      records.set(id, after)
      return after
    },
    list: async ({ states, dueAt }) =>
      [...records.values()].filter(
        (one) =>
          (states?.includes(one.state) ?? true) && (dueAt === undefined || one.expiresAt <= dueAt),
      ),
    nextDue: async () => {
      const open = [...records.values()].filter((one) => /pending|approved/.test(one.state))
      return open.length === 0 ? null : Math.min(...open.map((one) => one.expiresAt))
    },
  }
  return {
    requests: requests as Requests,
    people: {
      saw: async (person: KnownPerson) => {
        const account = accountKey(person)
        people.set(account, person)
        const own = person.keys.filter((key) => /^(account|email|claim):/.test(key))
        const kept = person.machine ? [account] : own
        seen.set(account, new Set([...(seen.get(account) ?? []), ...kept]))
      },
      all: async () => [...people.values()],
      joining: async () => joined(accounts()),
      configure: async () => undefined,
    },
    close: async () => undefined,
  } as unknown as Store
}

function added(record: RequestRecord, addition: Addition): RequestRecord {
  switch (addition.add) {
    case 'decision':
      return { ...record, decisions: [...record.decisions, addition.decision] }
    case 'state': {
      const { entry } = addition
      const history = [...record.history, entry]
      return { ...record, state: entry.state, history, expiresAt: entry.until ?? record.expiresAt }
    }
    case 'outcome':
      return { ...record, outcome: addition.outcome }
    default:
      return record
  }
}
