import { meet } from '../store/keys.ts'
import type { Join, RequestRecord } from '../store/store.ts'

type Parts = Pick<RequestRecord, 'requester' | 'rule' | 'decisions'>

/** Is everybody who takes part somebody else, by all that is known of accounts now? */
export function distinct({ requester, rule, decisions }: Parts, join: Join): boolean {
  const parts = [requester.keys, rule.authors, ...decisions.map((made) => made.by.keys)]
  const persons = parts.filter((keys) => keys.length > 0).map((keys) => join(keys).keys)
  return persons.every((one, i) => persons.slice(i + 1).every((other) => !meet(one, other)))
}
