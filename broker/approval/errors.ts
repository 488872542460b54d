import { EXIT, HoopError } from '../../protocol/errors.ts'
import { waysOf } from '../store/requests.ts'
import type { Decision, RequestRecord } from '../store/store.ts'
import type { Eligibility } from './eligible.ts'
import { nameOf } from './person.ts'

/** Every refusal of the desk, in one place: code, exit code, what happened, what to do. */

export function unknownRequest(id: string): HoopError {
  return new HoopError({
    code: 'unknown_request',
    message: `There is no request ${id}.`,
    hint: 'See `hoop requests --all` for those that you may see.',
    exit: EXIT.failed,
    fault: 'client',
  })
}

export function tooManyPending(most: number, connection: string): HoopError {
  return new HoopError({
    code: 'too_many_pending',
    message: `${most} ${most === 1 ? 'request of yours waits' : 'requests of yours wait'} on ${connection} already; no more may.`,
    hint: 'See `hoop requests --mine`; `hoop cancel ID` takes one back.',
    exit: EXIT.refused,
    fault: 'policy',
  })
}

export function notEligible(
  request: RequestRecord,
  answer: Eligibility & { may: false },
): HoopError {
  const own = answer.why === 'nobody decides their own request'
  return new HoopError({
    code: answer.code,
    message: own
      ? `${request.id} is your own request: another person must decide it.`
      : `You cannot decide ${request.id}: ${answer.why}.`,
    hint: own
      ? `\`hoop sod explain ${request.id}\` names who can; \`hoop cancel ${request.id}\` takes it back.`
      : `\`hoop sod explain ${request.id}\` names who can.`,
    exit: EXIT.refused,
    fault: 'policy',
  })
}

export function notYours(request: RequestRecord): HoopError {
  return new HoopError({
    code: 'not_eligible',
    message: `${request.id} belongs to ${nameOf(request.requester)}.`,
    hint: `An approver can say \`hoop reject ${request.id} --reason TEXT\`.`,
    exit: EXIT.refused,
    fault: 'policy',
  })
}

export function yoursToAnswer(request: RequestRecord): HoopError {
  return new HoopError({
    code: 'not_eligible',
    message: `${request.id} is your own request: others ask about it, you answer.`,
    hint: `\`hoop answer ${request.id} TEXT\``,
    exit: EXIT.refused,
    fault: 'policy',
  })
}

export function notYoursToAnswer(request: RequestRecord): HoopError {
  return new HoopError({
    code: 'not_eligible',
    message: `Only ${nameOf(request.requester)} answers about ${request.id}.`,
    hint: `\`hoop ask ${request.id} TEXT\` asks.`,
    exit: EXIT.refused,
    fault: 'policy',
  })
}

export function enoughAsked(request: RequestRecord): HoopError {
  return new HoopError({
    code: 'too_many_questions',
    message: `Enough was said about ${request.id}: no more is kept.`,
    hint: `Decide it: \`hoop approve ${request.id}\` or \`hoop reject ${request.id} --reason TEXT\`.`,
    exit: EXIT.refused,
    fault: 'policy',
  })
}

export function expired(request: RequestRecord): HoopError {
  return new HoopError({
    code: 'expired',
    message: `${request.id} has expired.`,
    hint: 'Whoever needs it asks again.',
    exit: EXIT.undecided,
    fault: 'client',
  })
}

export function notPending(request: RequestRecord): HoopError {
  return new HoopError({
    code: 'not_pending',
    message: `${request.id} is no longer pending: ${lastStep(request)}.`,
    hint: `\`hoop show ${request.id}\` tells what became of it.`,
    exit: EXIT.failed,
    fault: 'client',
  })
}

export function decidedAlready(request: RequestRecord, before: Decision): HoopError {
  const done = before.verdict === 'approve' ? 'approved' : 'rejected'
  return new HoopError({
    code: 'not_eligible',
    message: `You have ${done} ${request.id} already: it needs different persons.`,
    hint: `\`hoop sod explain ${request.id}\` names who can.`,
    exit: EXIT.refused,
    fault: 'policy',
  })
}

export function seatTaken(request: RequestRecord, by: { groups: readonly string[] }): HoopError {
  const asked = new Set(waysOf(request).flatMap((way) => way.map((need) => need.group)))
  const yours = [...asked].filter((group) => by.groups.includes(group))
  return new HoopError({
    code: 'not_eligible',
    message: `${request.id} has what it needs of ${yours.join(', ')}.`,
    hint: `\`hoop sod explain ${request.id}\` names who is still missing.`,
    exit: EXIT.refused,
    fault: 'policy',
  })
}

/** The CLI reads the code: it gets a fresh token and says the same again, once. */
export function staleToken(): HoopError {
  return new HoopError({
    code: 'stale_token',
    message: 'The access token is older than a minute: who you are now must be known for this.',
    hint: 'Get a fresh one from the identity provider (`hoop` does so by itself), or run `hoop login`.',
    exit: EXIT.login,
    fault: 'client',
  })
}

export function ownRule(labels: readonly string[]): HoopError {
  return new HoopError({
    code: 'own_rule',
    message: `You last changed ${labels.join(', ') || 'the rule'}: another person must ask by it.`,
    hint: 'Have somebody ask who has not changed it.',
    exit: EXIT.refused,
    fault: 'policy',
  })
}

export function notDistinct(request: RequestRecord): HoopError {
  return new HoopError({
    code: 'not_distinct',
    message: `${request.id} cannot go on: accounts that take part in it belong to one person.`,
    hint: `\`hoop sod explain ${request.id}\` says whose; whoever needs it asks again.`,
    exit: EXIT.refused,
    fault: 'policy',
  })
}

export function digestRequired(request: RequestRecord): HoopError {
  return new HoopError({
    code: 'digest_required',
    message: `${request.id} is ${request.size} bytes: too much to be shown whole, so it is approved by digest.`,
    hint: `Read \`hoop show ${request.id} --output FILE\`, then \`hoop approve ${request.id} --digest SHA256\`.`,
    exit: EXIT.refused,
    fault: 'client',
  })
}

export function digestMismatch(request: RequestRecord): HoopError {
  return new HoopError({
    code: 'digest_mismatch',
    message: `The digest is not that of ${request.id}.`,
    hint: `\`hoop show ${request.id}\` prints the digest of what will run; read it again before you decide.`,
    exit: EXIT.refused,
    fault: 'client',
  })
}

export function reasonMissing(): HoopError {
  return new HoopError({
    code: 'reason_required',
    message: 'A rejection needs a reason: it is shown to the person who asked.',
    hint: 'Add --reason TEXT.',
    exit: EXIT.usage,
    fault: 'client',
  })
}

export function notApproved(request: RequestRecord): HoopError {
  return new HoopError({
    code: 'not_approved',
    message: `${request.id} is not approved yet.`,
    hint: `\`hoop sod explain ${request.id}\` names who can approve it.`,
    exit: EXIT.undecided,
    fault: 'client',
  })
}

export function notAWindow(request: RequestRecord): HoopError {
  return new HoopError({
    code: 'not_a_window',
    message: `${request.id} is no window: only a window can be revoked.`,
    hint: `\`hoop cancel ${request.id}\` takes back a request of your own; \`hoop sessions kill\` ends a session.`,
    exit: EXIT.failed,
    fault: 'client',
  })
}

export function notOpenYet(request: RequestRecord): HoopError {
  return new HoopError({
    code: 'not_approved',
    message: `${request.id} is not open: it waits for approval.`,
    hint: `\`hoop reject ${request.id} --reason TEXT\` refuses it; its person can \`hoop cancel ${request.id}\`.`,
    exit: EXIT.failed,
    fault: 'client',
  })
}

export function reviewStays(request: RequestRecord): HoopError {
  return new HoopError({
    code: 'review_owed',
    message: `${request.id} is the review of an emergency: it is owed until another person has made it.`,
    hint: `\`hoop sod explain ${request.id}\` names who can.`,
    exit: EXIT.refused,
    fault: 'policy',
  })
}

export function notExecuted(request: RequestRecord): HoopError {
  return bug(`${request.id} is ${request.state}: only what was executed has an outcome`)
}

export function settledAlready(request: RequestRecord): HoopError {
  return bug(`${request.id} has its outcome already`)
}

export function closed(): HoopError {
  return new HoopError({
    code: 'broker_stopping',
    message: 'The broker is stopping.',
    hint: 'Try again when it is back.',
    exit: EXIT.unreachable,
  })
}

function bug(message: string): HoopError {
  return new HoopError({ code: 'wrong_order', message, hint: 'Please report this.' })
}

function lastStep(request: RequestRecord): string {
  const last = request.history.at(-1)!
  const by = last.by === null ? '' : ` by ${nameOf(last.by)}`
  const why = last.why === null ? '' : `: ${last.why}`
  return `${last.state}${by}${why}`
}
