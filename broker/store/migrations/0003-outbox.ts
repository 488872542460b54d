import { type Kysely, sql } from 'kysely'
import { HAPPENINGS } from '../../../protocol/api/happenings.ts'

/**
 * What people are to hear of, written by the transaction in which it happens: a state and a decision
 * put themselves here, other happenings are put here with the step that they belong to. Each endpoint
 * has a row of its own until it was told; the event goes with the last of them.
 */
const TABLES = `
create table outbox_endpoint (
  name text primary key,
  given_up integer not null default 0,
  failing_since integer,
  last_error text,
  told_at integer
) strict, without rowid;

create table outbox (
  number integer primary key autoincrement,
  request_id text not null references request (id),
  event text not null check (event in (${HAPPENINGS.map((word) => `'${word}'`).join(', ')})),
  place integer,
  at integer not null,
  detail text
) strict;
create index outbox_request on outbox (request_id);

create table outbox_delivery (
  number integer not null references outbox (number) on delete cascade,
  endpoint text not null references outbox_endpoint (name) on delete cascade,
  request_id text not null,
  attempts integer not null default 0,
  due integer not null,
  primary key (endpoint, number)
) strict, without rowid;
create index outbox_delivery_request on outbox_delivery (endpoint, request_id, number);
create index outbox_delivery_number on outbox_delivery (number);
`

const TRIGGERS = [
  `create trigger outbox_of_state after insert on request_state
    when exists (select 1 from outbox_endpoint) begin
    insert into outbox (request_id, event, place, at)
    select new.request_id, case
        when new.to_state <> 'pending' then new.to_state
        when kind = 'break_glass' then 'break_glass'
        else 'held' end, new.place, new.at
    from request where id = new.request_id;
  end`,
  `create trigger outbox_of_decision after insert on decision
    when exists (select 1 from outbox_endpoint) begin
    insert into outbox (request_id, event, place, at)
    values (new.request_id, 'decided', new.place, new.at);
  end`,
  `create trigger outbox_for_each after insert on outbox begin
    insert into outbox_delivery (number, endpoint, request_id, due)
    select new.number, name, new.request_id, new.at from outbox_endpoint;
  end`,
  `create trigger outbox_empties after delete on outbox_delivery
    when not exists (select 1 from outbox_delivery where number = old.number) begin
    delete from outbox where number = old.number;
  end`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of TABLES.split(/;\n/).filter((one) => one.trim() !== '')) {
    await sql.raw(statement).execute(db)
  }
  for (const trigger of TRIGGERS) await sql.raw(trigger).execute(db)
}
