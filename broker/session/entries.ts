import type { NewEntry } from '../../protocol/log/entries.ts'
import type { Execution } from '../../protocol/pg/execution.ts'
import type { Analysis } from '../../protocol/pg/statement.ts'
import { nameOf } from '../approval/person.ts'
import type { Asked } from '../policy/policy.ts'
import { waysOf } from '../policy/ways.ts'
import type { RequestRecord } from '../store/store.ts'
import type { Secrets } from './secrets.ts'
import { strictestClass } from './snapshot.ts'

/** A text as the client sent it; it may hold several statements, or none that can be read. */
export function textEntry(
  ref: number,
  text: Buffer,
  analysis: Analysis,
  secrets: Secrets,
): NewEntry {
  const all = analysis.ok ? analysis.statements : []
  return {
    kind: 'statement',
    ref,
    text: secrets.redact(text, analysis.ok),
    class: analysis.ok ? strictestClass(all) : 'unknown',
    reads: [...new Set(all.flatMap((facts) => facts.reads))],
    writes: [...new Set(all.flatMap((facts) => facts.writes))],
    verbs: [...new Set(all.map((facts) => facts.verb))],
    why: analysis.ok
      ? (all.find((facts) => facts.why !== '')?.why ?? null)
      : secrets.hide(analysis.message),
  }
}

/** One statement of it. */
export function statementEntry(
  ref: number,
  { facts, text, underlying }: Execution,
  secrets: Secrets,
): NewEntry {
  const shown = (what: Buffer): Buffer => secrets.redact(what, facts !== null)
  return {
    kind: 'statement',
    ref,
    text: shown(text),
    class: facts?.class ?? 'unknown',
    reads: facts?.reads ?? [],
    writes: facts?.writes ?? [],
    verbs: facts === null ? [] : [facts.verb],
    why: underlying === null ? (facts?.why ?? null) : `runs: ${shown(underlying).toString('utf8')}`,
  }
}

/** Where a request stands, and who brought it there. */
export function requestEntry(record: RequestRecord): NewEntry {
  const last = record.decisions.at(-1)
  const why = record.history.at(-1)?.why ?? null
  return {
    kind: 'request',
    request: record.id,
    state: record.state,
    by: record.state === 'approved' || record.state === 'rejected' ? deciders(record) : null,
    comment: last?.comment ?? why,
    policy: record.policyVersion,
  }
}

/** `2 of dba and 1 of security, or 1 of cto` */
export function askedOf(asked: Asked): string {
  const way = (needs: Asked['needs']): string =>
    needs.map((need) => `${need.count} of ${need.group}`).join(' and ')
  return waysOf(asked).map(way).join(', or ')
}

export function deciders(record: RequestRecord): string {
  return record.decisions.map((each) => nameOf(each.by)).join(', ')
}
