import type { Generated } from 'kysely'
import type { Happening } from '../../protocol/api/happenings.ts'
import type {
  ChangeKind,
  Decision,
  Outcome,
  Question,
  RequestContent,
  RequestState,
} from './store.ts'

/** The tables as Kysely sees them. Their rules stand in `migrations/`. */
export interface Tables {
  request: RequestTable
  request_need: {
    request_id: string
    alternative: number
    place: number
    group_name: string
    count: number
    opens: number
  }
  /** Filled by triggers. */
  involved: { request_id: string; key: string; part: 'requester' | 'rule' | 'decider' }
  request_state: StateTable
  decision: DecisionTable
  decision_group: { request_id: string; place: number; group_name: string }
  question: QuestionTable
  request_shape: { request_id: string; shape: string }
  seat: { request_id: string; place: number; group_name: string; alternative: number }
  outcome: {
    request_id: string
    status: Outcome['status']
    sqlstate: string | null
    row_count: number | null
    at: number
  }
  window_use: {
    request_id: string
    place: number
    session: string
    reserved: number | null
    at: number
  }
  window_use_end: { request_id: string; place: number; row_count: number | null; at: number }
  person: {
    issuer: string
    subject: string
    email: string | null
    groups: string
    roles: string
    keys: string
    machine: number
    seen_at: number
  }
  person_key: {
    key: string
    issuer: string
    subject: string
    /** 1: the configuration says so, and it holds until that says otherwise. */
    configured: number
    seen_at: number
  }
  outbox_endpoint: {
    name: string
    given_up: Generated<number>
    failing_since: number | null
    last_error: string | null
    told_at: number | null
  }
  outbox: {
    number: Generated<number>
    request_id: string
    event: Happening
    place: number | null
    at: number
    detail: string | null
  }
  outbox_delivery: {
    number: number
    endpoint: string
    request_id: string
    attempts: Generated<number>
    due: number
  }
  proposal: { request_id: string; kind: ChangeKind; name: string; base: number; body: string }
  sealed: { request_id: string; box: string | null }
  version: VersionTable
}

export interface RequestTable {
  /** Order of arrival. */
  number: Generated<number>
  id: string
  kind: RequestContent['kind']
  session: string | null
  issuer: string
  subject: string
  email: string | null
  groups: string
  keys: string
  machine: number
  connection: string
  database: string
  statement: string
  parameters: string
  class: string
  effect: string
  digest: string
  size: number
  reason: string | null
  in_transaction: number
  facts: string
  spool: string | null
  separate: string
  rule_labels: string
  rule_authors: string
  policy_version: number
  /** The last row of request_state, kept by a trigger. */
  state: RequestState
  place: number
  until: number | null
}

export interface VersionTable {
  kind: ChangeKind
  name: string
  number: number
  body: string
  digest: string
  request_id: string | null
  authors: string
  at: number
}

export interface StateTable {
  request_id: string
  place: number
  previous_place: number | null
  from_state: RequestState | 'new'
  to_state: RequestState
  at: number
  until: number | null
  issuer: string | null
  subject: string | null
  email: string | null
  groups: string | null
  why: string | null
}

export interface DecisionTable {
  request_id: string
  place: number
  issuer: string
  subject: string
  email: string | null
  groups: string
  keys: string
  machine: number
  verdict: Decision['verdict']
  comment: string | null
  max_rows: number | null
  at: number
}

export interface QuestionTable {
  request_id: string
  place: number
  part: Question['part']
  issuer: string
  subject: string
  email: string | null
  groups: string
  text: string
  at: number
}
