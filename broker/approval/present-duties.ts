import type { Duties } from '../../protocol/api/requests.ts'
import { accountKey, meet } from '../store/keys.ts'
import type { Join, KnownPerson, RequestRecord } from '../store/store.ts'
import { eligible, type Moment, roleFor } from './eligible.ts'
import { type Decider, nameOf, samePerson } from './person.ts'
import { presentNeeds } from './present.ts'

/** `sod explain`: the caller first, then every account that the broker has met. */
export function presentDuties(
  record: RequestRecord,
  caller: Decider,
  known: readonly KnownPerson[],
  moment: Moment,
): Duties {
  const { join, now } = moment
  const others = known
    .filter((person) => accountKey(person) !== accountKey(caller))
    .map((person) => ({ ...person, issuedAt: person.seenAt }))
  const all: readonly Decider[] = [caller, ...others]
  const people = all.map((person) => ({
    person: nameOf(person),
    ...answer(record, person, moment),
    you: person === caller,
    also: alsoOf(person, all, join),
    machine: person.machine,
  }))
  const { id, requester, state } = record
  const rules = [...RULES, ...own(record, all, join)]
  return {
    request: id,
    requester: nameOf(requester),
    state,
    ...presentNeeds(record, now),
    rules,
    people,
  }
}

const RULES = [
  'Nobody decides their own request, from whatever account; no owner of a machine what it asks.',
  'Who asks, who approves, who executes and who last changed the rule are different persons.',
  'Only who is in a group that is asked decides, and only once.',
  'Each person counts for one of the approvals that are needed.',
  'Groups are those of a token of the last minute; here they are as the broker saw them last.',
  'No role, admin included, goes round this.',
]

/** What goes for this request beside what goes for all. */
function own(record: RequestRecord, all: readonly Decider[], join: Join): readonly string[] {
  const { kind, rule, separate } = record
  const authors = all.filter((one) => meet(join(one.keys).keys, rule.authors)).map(nameOf)
  const changed = `${rule.labels.join(', ')}: last changed by ${authors.join(', ')}`
  return [
    ...(roleFor(kind) === 'admin' ? ['Changes of what hoop goes by are for administrators.'] : []),
    ...(rule.authors.length > 0 ? [`${changed}, who does not decide by it.`] : []),
    ...separate.map(({ groups, mayNot }) => {
      const what = mayNot === 'approve' ? 'nothing here' : 'nothing of their members'
      return `Who is in two of ${groups.join(', ')} approves ${what}.`
    }),
  ]
}

function alsoOf(person: Decider, all: readonly Decider[], join: Join): string[] {
  const me = join(person.keys)
  return all.filter((other) => other !== person && meet(me.keys, other.keys)).map(nameOf)
}

function answer(
  record: RequestRecord,
  person: Decider,
  moment: Moment,
): { may: boolean; why: string } {
  const { may, why } = eligible(record, person, moment)
  if (!may) return { may, why }
  const me = moment.join(person.keys)
  const decision = record.decisions.find((made) => samePerson(made.by, me))
  if (decision) return { may: false, why: `has decided: ${decision.verdict}` }
  if (record.state === 'pending') return { may, why }
  return { may: false, why: `${why}; but the request is ${record.state}` }
}
