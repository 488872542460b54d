import type { RequestRecord } from '../store/store.ts'
import { type Decider, nameOf, samePerson } from './person.ts'

export type Eligibility =
  | { readonly may: true; readonly why: string }
  | { readonly may: false; readonly code: 'self_approval' | 'not_eligible'; readonly why: string }

type Asked = Pick<RequestRecord, 'kind' | 'requester' | 'needs'>

/**
 * May this person decide this request? The one place where duties are divided; no role, admin
 * included, goes round it.
 */
export function eligible(request: Asked, person: Decider): Eligibility {
  if (samePerson(request.requester, person)) {
    return { may: false, code: 'self_approval', why: 'nobody decides their own request' }
  }
  const role = roleFor(request.kind)
  if (!person.roles.includes(role)) {
    return { may: false, code: 'not_eligible', why: `${nameOf(person)} is not an ${role} here` }
  }
  const groups = neededGroups(request).filter((group) => person.groups.includes(group))
  if (groups.length === 0) {
    const why = `it needs somebody of ${neededGroups(request).join(' or ')}`
    return { may: false, code: 'not_eligible', why }
  }
  return { may: true, why: `an ${role} in ${groups.join(', ')}` }
}

/** Requests to run something are for approvers; changes of what hoop goes by are for administrators. */
function roleFor(kind: RequestRecord['kind']): 'approver' | 'admin' {
  return kind === 'policy' || kind === 'secret' || kind === 'connection' ? 'admin' : 'approver'
}

/** May this person see the request at all? To others it does not exist. */
export function maySee(request: Asked, person: Decider): boolean {
  if (samePerson(request.requester, person)) return true
  if (person.roles.includes('auditor') || person.roles.includes('admin')) return true
  return eligible(request, person).may
}

function neededGroups(request: Asked): readonly string[] {
  return request.needs.map((need) => need.group)
}
