import { accountKey, meet } from '../store/keys.ts'
import { openWays } from '../store/requests.ts'
import type { Join, RequestRecord, Separation } from '../store/store.ts'
import { type Decider, nameOf } from './person.ts'

export type Eligibility =
  | { readonly may: true; readonly why: string }
  | {
      readonly may: false
      readonly code: 'self_approval' | 'own_rule' | 'separated' | 'not_eligible'
      readonly why: string
    }

/** When, and what is known of people then. */
export interface Moment {
  readonly now: number
  readonly join: Join
}

type Asked = Pick<
  RequestRecord,
  'kind' | 'requester' | 'needs' | 'alternatives' | 'opens' | 'rule' | 'separate'
>

/**
 * May this person decide this request? The one place where duties are divided; no role, admin
 * included, goes round it.
 */
export function eligible(request: Asked, person: Decider, { now, join }: Moment): Eligibility {
  return (
    involved(request, person, join) ??
    unfit(request, person) ??
    separated(request, person, join) ??
    asked(request, person, now)
  )
}

type Refusal = Extract<Eligibility, { may: false }>

/** Who takes part in it already, from whatever account. */
function involved({ requester, rule }: Asked, person: Decider, join: Join): Refusal | null {
  const { keys } = join(person.keys)
  if (meet(keys, requester.keys)) {
    const owner = requester.machine && accountKey(requester) !== accountKey(person)
    const why = owner
      ? `the owner of ${nameOf(requester)}, which asks, does not decide`
      : 'nobody decides their own request'
    return { may: false, code: 'self_approval', why }
  }
  if (!meet(keys, rule.authors)) return null
  const why = `who last changed ${rule.labels.join(', ') || 'the rule'} does not decide by it`
  return { may: false, code: 'own_rule', why }
}

/** Requests to run something are for approvers; changes of what hoop goes by are for administrators. */
export function roleFor(kind: RequestRecord['kind']): 'approver' | 'admin' {
  return kind === 'policy' || kind === 'secret' || kind === 'connection' ? 'admin' : 'approver'
}

function unfit({ kind }: Asked, person: Decider): Refusal | null {
  if (person.machine) {
    return { may: false, code: 'not_eligible', why: 'a machine identity asks and never decides' }
  }
  const role = roleFor(kind)
  if (person.roles.includes(role)) return null
  const why = `${nameOf(person)} is not an ${role} here`
  return { may: false, code: 'not_eligible', why }
}

/** Groups that never hold together; those of the person's other accounts count as well. */
function separated(request: Asked, person: Decider, join: Join): Refusal | null {
  const held = [...person.groups, ...join(person.keys).groups]
  for (const { groups, mayNot } of request.separate) {
    const both = groups.filter((group) => held.includes(group))
    if (both.length < 2) continue
    const who = `who is in ${both.join(' and ')} approves`
    if (mayNot === 'approve') return refusal(`${who} nothing here`)
    if (isMember(request, groups, join)) return refusal(`${who} nothing of ${groups.join(', ')}`)
  }
  return null
}

function refusal(why: string): Refusal {
  return { may: false, code: 'separated', why }
}

function isMember({ requester }: Asked, groups: Separation['groups'], join: Join): boolean {
  return meet([...requester.groups, ...join(requester.keys).groups], groups)
}

function asked(request: Asked, person: Decider, now: number): Eligibility {
  const wanted = neededGroups(request, now)
  const groups = wanted.filter((group) => person.groups.includes(group))
  if (groups.length > 0) {
    return { may: true, why: `an ${roleFor(request.kind)} in ${groups.join(', ')}` }
  }
  return {
    may: false,
    code: 'not_eligible',
    why: `it needs somebody of ${wanted.join(' or ')}`,
  }
}

/** May this person see the request at all? To others it does not exist. */
export function maySee(request: Asked, person: Decider, moment: Moment): boolean {
  if (meet(moment.join(person.keys).keys, request.requester.keys)) return true
  if (person.roles.includes('auditor') || person.roles.includes('admin')) return true
  return eligible(request, person, moment).may
}

function neededGroups(request: Asked, now: number): readonly string[] {
  const needs = openWays(request, now).flatMap((way) => way.needs)
  return [...new Set(needs.map((need) => need.group))]
}
