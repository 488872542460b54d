import { type Kysely, sql } from 'kysely'

/**
 * What ran in a window or an emergency: reserved before it runs, counted when it has run. A bound on
 * rows is the request's own (`facts.window.max_rows`); what never came to an end counts as reserved.
 */
const TABLES = [
  `create table window_use (
    request_id text not null references request (id),
    place integer not null,
    session text not null,
    reserved integer check (reserved is null or reserved > 0),
    at integer not null,
    primary key (request_id, place)
  ) strict, without rowid`,
  `create table window_use_end (
    request_id text not null,
    place integer not null,
    row_count integer check (row_count is null or row_count >= 0),
    at integer not null,
    primary key (request_id, place),
    foreign key (request_id, place) references window_use (request_id, place)
  ) strict, without rowid`,
]

const TRIGGERS = [
  ...['window_use', 'window_use_end'].flatMap((table) =>
    ['update', 'delete'].map(
      (verb) => `create trigger ${table}_no_${verb} before ${verb} on ${table}
        begin select raise(abort, '${table}: past entries stay'); end`,
    ),
  ),
  `create trigger window_use_while_open before insert on window_use when not exists (
    select 1 from request r
    join request_state first on first.request_id = r.id and first.place = 0
    where r.id = new.request_id and new.at >= first.at and (
      (r.kind = 'window' and r.state = 'approved' and new.at < r.until)
      or (r.kind = 'break_glass' and r.state in ('pending', 'approved', 'executed')
        and new.at < first.at + json_extract(r.facts, '$.window.for_ms'))))
    begin select raise(abort, 'the window is not open'); end`,
  `create trigger one_emergency_owed before insert on request when new.kind = 'break_glass' and exists (
    select 1 from request r
    join involved i on i.request_id = r.id and i.part = 'requester'
    join json_each(new.keys) k on k.value = i.key
    where r.kind = 'break_glass' and r.state = 'pending')
    begin select raise(abort, 'the review of another emergency is owed'); end`,
  `create trigger emergency_stays_owed before insert on request_state
    when new.from_state = 'pending' and new.to_state in ('cancelled', 'expired')
      and exists (select 1 from request where id = new.request_id and kind = 'break_glass')
    begin select raise(abort, 'the review of an emergency is owed until it is made'); end`,
  `create trigger window_use_within_rows before insert on window_use when exists (
    select 1 from request r
    where r.id = new.request_id and json_extract(r.facts, '$.window.max_rows') is not null
      and (new.reserved is null or new.reserved + coalesce((
        select sum(coalesce(e.row_count, u.reserved)) from window_use u
        left join window_use_end e on e.request_id = u.request_id and e.place = u.place
        where u.request_id = new.request_id), 0) > json_extract(r.facts, '$.window.max_rows')))
    begin select raise(abort, 'more rows than the window has left'); end`,
  `create trigger window_use_end_within before insert on window_use_end when new.row_count > (
    select reserved from window_use where request_id = new.request_id and place = new.place)
    begin select raise(abort, 'more rows than were reserved'); end`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [...TABLES, ...TRIGGERS]) await sql.raw(statement).execute(db)
}
