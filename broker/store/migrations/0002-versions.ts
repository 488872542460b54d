import { type Kysely, sql } from 'kysely'
import { CHANGE_KINDS } from '../store.ts'

const kinds = CHANGE_KINDS.map((kind) => `'${kind}'`).join(', ')

/**
 * What hoop goes by, version by version. A proposal is what a request would bring; it becomes a
 * version by the request's approval and in no other way. The first version of the policy alone has
 * no request: it is that of the first configuration file.
 */
const TABLES = [
  `create table proposal (
  request_id text primary key references request (id),
  kind text not null check (kind in (${kinds})),
  name text not null,
  base integer not null check (base >= 0),
  body text not null
) strict, without rowid`,
  `create table sealed (
  request_id text primary key references proposal (request_id),
  box text check (box is null or json_valid(box))
) strict, without rowid`,
  `create table version (
  kind text not null check (kind in (${kinds})),
  name text not null,
  number integer not null check (number >= 1),
  body text not null,
  digest text not null check (length(digest) = 64 and digest not glob '*[^0-9a-f]*'),
  request_id text unique references request (id),
  authors text not null check (json_valid(authors)),
  at integer not null,
  primary key (kind, name, number),
  check (request_id is not null or (kind = 'policy' and number = 1))
) strict, without rowid`,
  'alter table request add column policy_version integer not null default 1',
]

const STAYS = ['proposal', 'version'].flatMap((table) =>
  (['update', 'delete'] as const).map((verb) => ({
    name: `${table}_no_${verb}`,
    on: `before ${verb} on ${table}`,
    when: 'true',
    say: `${table}: past entries are never ${verb === 'update' ? 'changed' : 'removed'}`,
  })),
)

/** Each has a test that breaks it with plain SQL. */
const RULES: readonly {
  readonly name: string
  readonly on: string
  readonly when: string
  readonly say: string
}[] = [
  ...STAYS,
  {
    name: 'proposal_comes_first',
    on: 'before insert on proposal',
    when: `exists (select 1 from request_state where request_id = new.request_id)
      or not exists (select 1 from request r where r.id = new.request_id and r.kind = new.kind)`,
    say: 'what a request would bring is said before it is pending',
  },
  {
    name: 'proposal_on_what_is',
    on: 'before insert on proposal',
    when: `new.base <> (select coalesce(max(number), 0) from version
      where kind = new.kind and name = new.name)`,
    say: 'another version came into force',
  },
  {
    name: 'change_has_proposal',
    on: 'before insert on request_state',
    when: `new.place = 0
      and exists (select 1 from request where id = new.request_id and kind in (${kinds}))
      and not exists (select 1 from proposal where request_id = new.request_id)`,
    say: 'a request for a change says what it would bring',
  },
  {
    name: 'version_follows',
    on: 'before insert on version',
    when: `new.number <> 1 + (select coalesce(max(number), 0) from version
      where kind = new.kind and name = new.name)`,
    say: 'a version follows the one before it',
  },
  {
    name: 'version_as_approved',
    on: 'before insert on version',
    when: `new.request_id is not null and not exists (select 1 from request r
      join proposal p on p.request_id = r.id
      where r.id = new.request_id and r.state = 'executed' and r.kind = new.kind
        and p.name = new.name and p.base = new.number - 1 and p.body = new.body)`,
    say: 'a version is what was approved, and nothing else',
  },
  {
    name: 'change_brings_version',
    on: 'before insert on outcome',
    when: `new.status = 'ok'
      and exists (select 1 from request where id = new.request_id and kind in (${kinds}))
      and not exists (select 1 from version where request_id = new.request_id)`,
    say: 'a change that was made has its version',
  },
  {
    name: 'sealed_at_once',
    on: 'before insert on sealed',
    when: `new.box is null
      or exists (select 1 from request_state where request_id = new.request_id)
      or not exists (select 1 from proposal p where p.request_id = new.request_id and p.kind = 'secret')`,
    say: 'a value is sealed when it is proposed',
  },
  {
    name: 'secret_is_sealed',
    on: 'before insert on request_state',
    when: `new.place = 0
      and exists (select 1 from request where id = new.request_id and kind = 'secret')
      and not exists (select 1 from sealed where request_id = new.request_id)`,
    say: 'a value is sealed when it is proposed',
  },
  {
    name: 'sealed_or_destroyed',
    on: 'before update on sealed',
    when: 'new.request_id is not old.request_id or new.box is not null or old.box is null',
    say: 'a sealed value is never changed: it is kept or destroyed',
  },
  {
    name: 'sealed_while_in_use',
    on: 'before update on sealed',
    when: `not exists (select 1 from request r where r.id = old.request_id
        and r.state in ('rejected', 'expired', 'cancelled', 'revoked'))
      and not exists (select 1 from version v join version later
        on later.kind = v.kind and later.name = v.name and later.number > v.number
        where v.request_id = old.request_id)`,
    say: 'a value that is in use, or may come to be, is not destroyed',
  },
  {
    name: 'sealed_stays',
    on: 'before delete on sealed',
    when: 'true',
    say: 'sealed: past entries are never removed',
  },
  {
    name: 'request_policy_stays',
    on: 'before update of policy_version on request',
    when: 'new.policy_version is not old.policy_version',
    say: 'what a request asks for never changes',
  },
  {
    name: 'request_policy_known',
    on: 'before insert on request',
    when: `exists (select 1 from version where kind = 'policy')
      and not exists (select 1 from version where kind = 'policy' and number = new.policy_version)`,
    say: 'a request is made under a version of the policy that was in force',
  },
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const table of TABLES) await sql.raw(table).execute(db)
  for (const { name, on, when, say } of RULES) {
    const refuse = `select raise(abort, '${say.replaceAll("'", "''")}')`
    await sql.raw(`create trigger ${name} ${on} when ${when} begin ${refuse}; end`).execute(db)
  }
}
