import type { Request, RequestFacts, Similar } from '../../protocol/api/requests.ts'
import { describeTime, since } from './time.ts'

type Field = readonly [name: string, text: string]

/** Who, where, why and with what effect: a name and a sentence each. */
export function fields(request: Request, now: number): Field[] {
  const { connection, database, session, kind } = request
  const held = session === null ? kind : `${kind}, session ${session}`
  const list: readonly (readonly [string, string | null])[] = [
    ['who', request.requester],
    ['where', `${connection}${database === '' ? '' : `, database ${database}`} (${held})`],
    ['what', `${request.class}: ${request.effect}`],
    ...request.facts.flatMap((facts) => factFields(facts)),
    ['reason', request.reason],
    ['transaction', request.in_transaction ? 'open; it holds its locks while it waits' : null],
    ['asked', describeNeeds(request)],
    ['before', describeRejections(request, now)],
    ...(request.similar ?? []).map((one, at): Field => [at ? '' : 'alike', similar(one, now)]),
    ['created', describeTime(request.created_at)],
    ['policy', policyText(request)],
    ['outcome', describeOutcome(request)],
    ['sha256', request.digest],
  ]
  return list.filter((item): item is Field => item[1] !== null && item[1] !== '')
}

function policyText({ policy_version, facts }: Request): string {
  const rules = new Set(facts.flatMap((each) => each?.rule || []))
  const held = rules.size === 0 ? '' : `: held by ${[...rules].join(', ')}`
  return `version ${policy_version}${held}`
}

/** What the sentence of the effect does not say. */
function factFields(facts: RequestFacts | null): Field[] {
  if (facts === null) return []
  const { reads, functions, unbounded } = facts
  return [
    ['reads', reads.join(', ')],
    ['calls', functions.join(', ')],
    ['rows', unbounded ? 'ALL: nothing bounds what it changes' : ''],
  ]
}

function similar({ id, requester, state, created_at, by, comment }: Similar, now: number): string {
  const who = by === null ? '' : ` by ${by}`
  const why = comment === null ? '' : `: ${comment}`
  return `${since(created_at, now)} ago ${id} of ${requester}, ${state}${who}${why}`
}

/** Whose turn it is, where something was asked. */
export function lastWord({ questions, state }: Request): string[] {
  const last = questions.at(-1)
  if (last === undefined || state !== 'pending') return []
  return [last.part === 'question' ? 'asked' : 'answered']
}

type Asked = Pick<Request, 'needs'> & { readonly alternatives?: Request['alternatives'] }

/** Of several ways to approve it each is enough. */
export function describeNeeds({ needs, alternatives = [] }: Asked): string {
  return alternatives.length > 0 ? alternatives.map(describeWay).join(', or ') : describeWay(needs)
}

/** Who is still asked. */
export function describeMissing({ needs, alternatives }: Request): string {
  const open = (way: Request['needs']) => way.filter(({ count, have }) => have < count)
  return describeNeeds({ needs: open(needs), alternatives: alternatives.map(open) })
}

/** `1/2 dba, 0/1 security`: how much of what is needed is there. */
export function quorum({ needs, alternatives }: Request): string {
  const ways = alternatives.length > 0 ? alternatives : [needs]
  const parts = (way: Request['needs']) =>
    way.map(({ group, count, have }) => `${have}/${count} ${group}`).join(', ')
  return ways.map(parts).join(' or ')
}

function describeWay(needs: Request['needs']): string {
  return needs
    .map(({ group, count, have }) => {
      const who = count === 1 ? `one of ${group}` : `${count} of ${group}`
      return have > 0 ? `${who} (${have} of ${count} so far)` : who
    })
    .join(' and ')
}

/** People tire of what comes again and again: it is said. */
function describeRejections({ rejected_before: before }: Request, now: number): string | null {
  if (before === null || before.last === null) return null
  const { count, last } = before
  const times = count === 1 ? 'once' : `${count} times`
  const why = last.reason === null ? '' : `: ${last.reason}`
  return `the same was rejected ${times}, last by ${last.by} ${since(last.at, now)} ago${why}`
}

function describeOutcome(request: Request): string | null {
  const { outcome } = request
  if (!outcome) return null
  const rows =
    outcome.rows === null ? '' : `, ${outcome.rows} ${outcome.rows === 1 ? 'row' : 'rows'}`
  const state = outcome.sqlstate === null ? '' : `, SQLSTATE ${outcome.sqlstate}`
  const status = outcome.status === 'unknown' ? 'unknown: the answer never came' : outcome.status
  return `${status}${rows}${state}`
}

/** What follows from an approval that was the last one needed. */
export function consequence({ kind, expires_at: end }: Request): string {
  switch (kind) {
    case 'statement':
    case 'exec':
      return 'It may run, once.'
    case 'window':
      return end === null ? 'It is open.' : `It is open until ${describeTime(end)}.`
    case 'break_glass':
      return 'The emergency is reviewed.'
    default:
      return 'It comes into force.'
  }
}
