import { type Kysely, sql } from 'kysely'
import { KINDS, STATES, TRANSITIONS } from '../store.ts'

const list = (words: readonly string[]) => words.map((word) => `'${word}'`).join(', ')

/**
 * Allowed changes of state are rows. A state's row names the row before it, so a request's states
 * are one line without forks: two writers that both saw `pending` collide on the primary key.
 *
 * One seat a person: the seat's key is the decision's, a person has one decision, and the seat's
 * group must be one that the person was in and one that the request needs.
 *
 * Different persons: all keys of all who take part in a request are rows of `involved`, put there by
 * triggers. Whoever takes part twice, from whatever account, collides on its primary key.
 */
const TABLES = `
create table transition (
  from_state text not null,
  to_state text not null,
  primary key (from_state, to_state)
) strict, without rowid;

create table request (
  number integer primary key autoincrement,
  id text not null unique,
  kind text not null check (kind in (${list(KINDS)})),
  session text,
  issuer text not null,
  subject text not null,
  email text,
  groups text not null check (json_valid(groups)),
  keys text not null check (json_valid(keys)),
  machine integer not null check (machine in (0, 1)),
  connection text not null,
  database text not null,
  statement text not null,
  parameters text not null check (json_valid(parameters)),
  class text not null,
  effect text not null,
  digest text not null check (length(digest) = 64 and digest not glob '*[^0-9a-f]*'),
  size integer not null check (size >= 0),
  reason text,
  in_transaction integer not null check (in_transaction in (0, 1)),
  facts text not null check (json_valid(facts)),
  spool text check (spool is null or json_valid(spool)),
  separate text not null check (json_valid(separate)),
  rule_labels text not null check (json_valid(rule_labels)),
  rule_authors text not null check (json_valid(rule_authors)),
  state text not null check (state in (${list(STATES)})),
  place integer not null,
  until integer,
  check (kind <> 'statement' or session is not null),
  foreign key (id, place, state) references request_state (request_id, place, to_state)
    deferrable initially deferred
) strict;
create index request_open on request (until) where state in ('pending', 'approved');
create index request_person on request (issuer, subject);

create table request_need (
  request_id text not null references request (id),
  alternative integer not null,
  place integer not null,
  group_name text not null check (group_name <> ''),
  count integer not null check (count between 1 and 20),
  opens integer not null check (opens >= 0 and (alternative > 0 or opens = 0)),
  primary key (request_id, alternative, place),
  unique (request_id, alternative, group_name)
) strict, without rowid;

create table involved (
  request_id text not null references request (id),
  key text not null check (key <> ''),
  part text not null check (part in ('requester', 'rule', 'decider')),
  primary key (request_id, key)
) strict, without rowid;
create index involved_key on involved (key, part);

create table request_state (
  request_id text not null references request (id),
  place integer not null,
  previous_place integer,
  from_state text not null,
  to_state text not null,
  at integer not null,
  until integer,
  issuer text,
  subject text,
  email text,
  groups text,
  why text,
  primary key (request_id, place),
  unique (request_id, place, to_state),
  foreign key (from_state, to_state) references transition (from_state, to_state),
  foreign key (request_id, previous_place, from_state)
    references request_state (request_id, place, to_state),
  check ((from_state = 'new') = (place = 0)),
  check ((place = 0) = (previous_place is null)),
  check (previous_place is null or previous_place = place - 1),
  check (to_state not in ('pending', 'approved') or until is not null),
  check (to_state in ('pending', 'approved') or until is null)
) strict, without rowid;

create table decision (
  request_id text not null references request (id),
  place integer not null,
  issuer text not null,
  subject text not null,
  email text,
  groups text not null check (json_valid(groups)),
  keys text not null check (json_valid(keys)),
  machine integer not null check (machine = 0),
  verdict text not null check (verdict in ('approve', 'reject')),
  comment text,
  max_rows integer check (max_rows is null or max_rows >= 0),
  at integer not null,
  primary key (request_id, place),
  unique (request_id, issuer, subject)
) strict, without rowid;
create unique index decision_email on decision (request_id, lower(email)) where email is not null;

create table decision_group (
  request_id text not null,
  place integer not null,
  group_name text not null,
  primary key (request_id, place, group_name),
  foreign key (request_id, place) references decision (request_id, place)
) strict, without rowid;

create table seat (
  request_id text not null,
  place integer not null,
  group_name text not null,
  alternative integer not null,
  primary key (request_id, place),
  foreign key (request_id, place, group_name)
    references decision_group (request_id, place, group_name),
  foreign key (request_id, alternative, group_name)
    references request_need (request_id, alternative, group_name)
) strict, without rowid;

create table outcome (
  request_id text primary key references request (id),
  status text not null check (status in ('ok', 'error', 'unknown')),
  sqlstate text check (sqlstate is null or length(sqlstate) = 5),
  row_count integer,
  at integer not null
) strict, without rowid;

create table person (
  issuer text not null,
  subject text not null,
  email text,
  groups text not null check (json_valid(groups)),
  roles text not null check (json_valid(roles)),
  keys text not null check (json_valid(keys)),
  machine integer not null check (machine in (0, 1)),
  seen_at integer not null,
  primary key (issuer, subject)
) strict, without rowid;

create table person_key (
  key text not null,
  issuer text not null,
  subject text not null,
  configured integer not null check (configured in (0, 1)),
  seen_at integer not null,
  primary key (key, issuer, subject, configured)
) strict, without rowid;
create index person_key_account on person_key (issuer, subject);
`

/** Tables of the past: what is written stays as it is. */
const APPEND_ONLY = [
  'transition',
  'request_need',
  'involved',
  'request_state',
  'decision',
  'decision_group',
  'seat',
  'outcome',
]

function hasAccount(row: string): string {
  return `exists (select 1 from json_each(${row}.keys)
    where value = 'account:' || ${row}.issuer || ' ' || ${row}.subject)`
}

/** Rules that look at more than one row. Each has a test that breaks it with plain SQL. */
const RULES: readonly {
  readonly name: string
  readonly on: string
  readonly when: string
  readonly say: string
}[] = [
  {
    name: 'request_content_stays',
    on: 'before update on request',
    when: `new.number is not old.number or new.id is not old.id or new.kind is not old.kind
      or new.session is not old.session or new.issuer is not old.issuer
      or new.subject is not old.subject or new.email is not old.email
      or new.groups is not old.groups or new.keys is not old.keys
      or new.machine is not old.machine or new.separate is not old.separate
      or new.rule_labels is not old.rule_labels or new.rule_authors is not old.rule_authors
      or new.connection is not old.connection
      or new.database is not old.database or new.statement is not old.statement
      or new.parameters is not old.parameters or new.class is not old.class
      or new.effect is not old.effect or new.digest is not old.digest
      or new.size is not old.size or new.reason is not old.reason
      or new.in_transaction is not old.in_transaction or new.facts is not old.facts
      or new.spool is not old.spool`,
    say: 'what a request asks for never changes',
  },
  {
    name: 'request_state_follows',
    on: 'before update on request',
    when: `new.place is not (select max(place) from request_state where request_id = old.id)
      or new.state is not (select to_state from request_state
        where request_id = old.id and place = new.place)
      or new.until is not (select until from request_state
        where request_id = old.id and place = new.place)`,
    say: 'the state of a request is its last entry',
  },
  {
    name: 'request_starts_pending',
    on: 'before insert on request',
    when: `new.state <> 'pending' or new.place <> 0`,
    say: 'a request starts as pending',
  },
  {
    name: 'request_stays',
    on: 'before delete on request',
    when: 'true',
    say: 'request: past entries are never removed',
  },
  {
    name: 'request_of_an_account',
    on: 'before insert on request',
    when: `not ${hasAccount('new')}`,
    say: 'a person has the key of their account',
  },
  {
    name: 'need_comes_first',
    on: 'before insert on request_need',
    when: 'exists (select 1 from request_state where request_id = new.request_id)',
    say: 'what a request needs is said before it is pending',
  },
  {
    name: 'pending_has_needs',
    on: 'before insert on request_state',
    when: `new.to_state = 'pending'
      and not exists (select 1 from request_need where request_id = new.request_id)`,
    say: 'a request needs at least one approval',
  },
  {
    name: 'pending_until',
    on: 'before insert on request_state',
    when: `new.place = 0
      and new.until is not (select until from request where id = new.request_id)`,
    say: 'the state of a request is its last entry',
  },
  {
    name: 'state_in_order',
    on: 'before insert on request_state',
    when: `new.at < (select at from request_state
      where request_id = new.request_id and place = new.previous_place)`,
    say: 'a state cannot begin before the one that it follows',
  },
  {
    name: 'state_in_time',
    on: 'before insert on request_state',
    when: `new.to_state in ('approved', 'rejected', 'executed') and new.at >= (select until from request_state
      where request_id = new.request_id and place = new.previous_place)`,
    say: 'too late: the request has expired',
  },
  {
    name: 'expired_not_early',
    on: 'before insert on request_state',
    when: `new.to_state = 'expired' and new.at < (select until from request_state
      where request_id = new.request_id and place = new.previous_place)`,
    say: 'the request has not expired yet',
  },
  {
    name: 'approved_by_enough',
    on: 'before insert on request_state',
    when: `new.to_state = 'approved' and not exists (
      select 1 from request_need a where a.request_id = new.request_id and a.opens <= new.at and not exists (
        select 1 from request_need n
        where n.request_id = a.request_id and n.alternative = a.alternative and n.count > (
          select count(*) from seat s
          join decision d on d.request_id = s.request_id and d.place = s.place
          where s.request_id = n.request_id and s.alternative = n.alternative
            and s.group_name = n.group_name and d.verdict = 'approve')))`,
    say: 'not enough different persons have approved',
  },
  {
    name: 'approved_by_all',
    on: 'before insert on request_state',
    when: `new.to_state = 'approved' and exists (select 1 from decision
      where request_id = new.request_id and verdict = 'reject')`,
    say: 'a person has rejected the request',
  },
  {
    name: 'rejected_by_somebody',
    on: 'before insert on request_state',
    when: `new.to_state = 'rejected' and not exists (select 1 from decision
      where request_id = new.request_id and verdict = 'reject')`,
    say: 'nobody has rejected the request',
  },
  {
    name: 'decision_by_another',
    on: 'before insert on decision',
    when: `exists (select 1 from request r where r.id = new.request_id
      and ((r.issuer = new.issuer and r.subject = new.subject)
        or lower(r.email) = lower(new.email)))`,
    say: 'nobody decides their own request',
  },
  {
    name: 'decision_of_an_account',
    on: 'before insert on decision',
    when: `not ${hasAccount('new')}`,
    say: 'a person has the key of their account',
  },
  {
    name: 'involved_as_said',
    on: 'before insert on involved',
    when: `not (
      (new.part = 'requester' and exists (select 1 from request r, json_each(r.keys) k
        where r.id = new.request_id and k.value = new.key))
      or (new.part = 'rule' and exists (select 1 from request r, json_each(r.rule_authors) k
        where r.id = new.request_id and k.value = new.key))
      or (new.part = 'decider' and exists (select 1 from decision d, json_each(d.keys) k
        where d.request_id = new.request_id and k.value = new.key)))`,
    say: 'only who takes part in a request is involved in it',
  },
  {
    name: 'executed_by_the_requester',
    on: 'before insert on request_state',
    when: `new.to_state = 'executed' and ((new.issuer is null and exists (
      select 1 from request r where r.id = new.request_id and r.kind in ('statement', 'exec')))
      or exists (select 1 from involved i where i.request_id = new.request_id and i.part <> 'requester'
        and i.key = 'account:' || new.issuer || ' ' || new.subject))`,
    say: 'who decided a request does not execute it',
  },
  {
    name: 'decision_while_pending',
    on: 'before insert on decision',
    when: `not exists (select 1 from request r where r.id = new.request_id
      and r.state = 'pending' and new.at < r.until)`,
    say: 'only a pending request can be decided',
  },
  {
    name: 'decision_group_at_once',
    on: 'before insert on decision_group',
    when: `not exists (select 1 from request r where r.id = new.request_id and r.state = 'pending')
      or not exists (select 1 from decision d, json_each(d.groups) g
        where d.request_id = new.request_id and d.place = new.place and g.value = new.group_name)`,
    say: 'a decision counts for the groups that the person was in',
  },
  {
    name: 'seat_while_pending',
    on: 'before insert on seat',
    when: `not exists (select 1 from request r where r.id = new.request_id and r.state = 'pending')`,
    say: 'only a pending request can be decided',
  },
  {
    name: 'outcome_of_executed',
    on: 'before insert on outcome',
    when: `not exists (select 1 from request r where r.id = new.request_id and r.state = 'executed')`,
    say: 'only what was executed has an outcome',
  },
]

const FOLLOW = [
  `create trigger request_state_moves after insert on request_state when new.place > 0 begin
    update request set state = new.to_state, place = new.place, until = new.until
    where id = new.request_id;
  end`,
  `create trigger request_involves after insert on request begin
    insert into involved select distinct new.id, value, 'requester' from json_each(new.keys);
    insert into involved select distinct new.id, value, 'rule' from json_each(new.rule_authors);
  end`,
  `create trigger decision_involves after insert on decision begin
    insert into involved select distinct new.request_id, value, 'decider' from json_each(new.keys);
  end`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements(TABLES)) await sql.raw(statement).execute(db)
  for (const [from, to] of TRANSITIONS) {
    await sql`insert into transition (from_state, to_state) values (${from}, ${to})`.execute(db)
  }
  for (const trigger of [
    ...APPEND_ONLY.flatMap(appendOnly),
    ...RULES.map(ruleTrigger),
    ...FOLLOW,
  ]) {
    await sql.raw(trigger).execute(db)
  }
}

function statements(script: string): readonly string[] {
  return script.split(/;\n/).filter((statement) => statement.trim() !== '')
}

function appendOnly(table: string): readonly string[] {
  return ['update', 'delete'].map((verb) =>
    ruleTrigger({
      name: `${table}_no_${verb}`,
      on: `before ${verb} on ${table}`,
      when: 'true',
      say: `${table}: past entries are never ${verb === 'update' ? 'changed' : 'removed'}`,
    }),
  )
}

function ruleTrigger(rule: (typeof RULES)[number]): string {
  return `create trigger ${rule.name} ${rule.on} when ${rule.when}
    begin select raise(abort, '${rule.say.replaceAll("'", "''")}'); end`
}
