import { createHash } from 'node:crypto'
import { isFresh } from '../../protocol/api/fresh.ts'
import type { WindowTerms } from '../../protocol/api/windows.ts'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import type { NewEntry } from '../../protocol/log/entries.ts'
import { encodeError } from '../../protocol/pg/backend.ts'
import { showDuration } from '../../protocol/units.ts'
import { staleToken } from '../approval/errors.ts'
import { nameOf } from '../approval/person.ts'
import { FOREVER, isRunning, windowFacts, windowOf } from '../approval/window.ts'
import { appliedRule } from '../changes/authors.ts'
import { policyOf } from '../changes/in-force.ts'
import type { Principal } from '../identity/principal.ts'
import type { BreakGlassRule, ConnectionPolicy } from '../policy/policy.ts'
import type { RequestRecord } from '../store/store.ts'
import type { SessionDeps } from './open.ts'

/**
 * The emergency in which this person works on the connection: the one that runs, or a new one. It is
 * a request for its own review, on the disk before anything can be done in it. Who owes a review has
 * no second one.
 */
export async function breakGlass(
  deps: Pick<SessionDeps, 'desk' | 'runtime' | 'inForce'>,
  person: Principal,
  connection: string,
  reason: string | null,
): Promise<RequestRecord> {
  const rules = deps.inForce.rules()
  const rule = mayBreakGlass(person, policyOf(rules, connection))
  if (rule === null) throw notForYou(connection)
  if (!isFresh(person, deps.runtime.now())) throw staleToken()
  if (reason === null || reason.trim() === '') throw reasonMissing()
  const filter = { kind: 'break_glass', states: ['pending'], requester: person } as const
  const owed = await deps.desk.list({ ...filter, limit: null })
  const now = deps.runtime.now()
  const running = owed.find((one) => one.connection === connection && isRunning(one, now))
  if (running !== undefined) return running
  const [first] = owed
  if (first !== undefined) throw reviewOwed(first)
  return deps.desk.open({
    ...emergencyOf(person, connection, rule, reason, now),
    rule: appliedRule(rules.authors, connection, rule.classes),
    policyVersion: rules.version,
  })
}

/** Null: this person may not, whatever else they may do here; no machine may. */
export function mayBreakGlass(
  person: Pick<Principal, 'groups' | 'machine'>,
  { breakGlass: rule }: ConnectionPolicy,
): BreakGlassRule | null {
  if (person.machine) return null
  return rule?.groups.some((group) => person.groups.includes(group)) === true ? rule : null
}

/** In an emergency those whom it is for are let in, too. */
export function inEmergency(policy: ConnectionPolicy): ConnectionPolicy {
  return { ...policy, request: [...policy.request, ...(policy.breakGlass?.groups ?? [])] }
}

function emergencyOf(
  requester: Principal,
  connection: string,
  { lasts, classes, review }: BreakGlassRule,
  reason: string,
  now: number,
) {
  const terms: WindowTerms = {
    classes: [...classes],
    tables: null,
    max_rows: null,
    for_ms: lasts,
    every: null,
  }
  const statement = [
    `break glass on ${connection}: the review of an emergency`,
    `for ${showDuration(lasts)} from now on`,
    `classes: ${classes.join(', ')}`,
  ].join('\n')
  return {
    kind: 'break_glass' as const,
    session: null,
    requester,
    connection,
    database: '',
    statement,
    parameters: [],
    class: classes.join(', '),
    effect: `any ${classes.join(', ')} for ${showDuration(lasts)}, without an approval; approving says that it was right`,
    digest: createHash('sha256').update(statement).digest('hex'),
    size: Buffer.byteLength(statement),
    reason,
    needs: review,
    expiresAt: now + FOREVER,
    inTransaction: false,
    facts: windowFacts(terms),
  }
}

function notForYou(connection: string): HoopError {
  return new HoopError({
    code: 'no_break_glass',
    message: `you may not break the glass on ${connection}`,
    hint: 'the policy says who may; ask for an approval: leave out --break-glass',
    exit: EXIT.refused,
    fault: 'policy',
  })
}

function reasonMissing(): HoopError {
  return new HoopError({
    code: 'reason_required',
    message: 'an emergency needs a reason: whoever reviews it reads it',
    hint: 'add --reason TEXT',
    exit: EXIT.usage,
    fault: 'client',
  })
}

function reviewOwed({ id, connection }: RequestRecord): HoopError {
  return new HoopError({
    code: 'review_owed',
    message: `your emergency ${id} on ${connection} is not reviewed yet: until then you have no other`,
    hint: `another person runs: hoop approve ${id} (or hoop reject ${id}); hoop sod explain ${id} names who can`,
    exit: EXIT.refused,
    fault: 'policy',
  })
}

/** For the record of each session in it. */
export function emergencyEntry({ id, requester, reason }: RequestRecord): NewEntry {
  const comment = `break glass: ${reason ?? ''}`
  return { kind: 'request', request: id, state: 'pending', by: nameOf(requester), comment }
}

export function emergencyNotice({ id, facts }: RequestRecord): Buffer {
  const lasts = showDuration(windowOf({ kind: 'break_glass', facts })?.for_ms ?? 0)
  return encodeError({
    severity: 'WARNING',
    code: '01000',
    message: `break glass: ${id} lets you in for ${lasts}; approvers are told, all of it is recorded`,
    hint: 'another person reviews it; until then you have no second one',
  })
}
