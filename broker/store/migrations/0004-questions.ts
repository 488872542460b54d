import { type Kysely, sql } from 'kysely'

/** What was asked and answered about a request, and which requests are alike. */
const TABLES: readonly string[] = [
  `create table question (
    request_id text not null references request (id),
    place integer not null check (place between 0 and 199),
    part text not null check (part in ('question', 'answer')),
    issuer text not null,
    subject text not null,
    email text,
    groups text not null check (json_valid(groups)),
    text text not null check (octet_length(text) between 1 and 16384),
    at integer not null,
    primary key (request_id, place)
  ) strict, without rowid`,
  `create table request_shape (
    request_id text primary key references request (id),
    shape text not null check (length(shape) = 64)
  ) strict, without rowid`,
  'create index request_shape_shape on request_shape (shape)',
]

const APPEND_ONLY = ['question', 'request_shape']

const ORDER = `create trigger question_in_order before insert on question
  when new.place <> (select count(*) from question where request_id = new.request_id)
  begin select raise(abort, 'question: one comes after the other'); end`

const WHILE_PENDING = `create trigger question_while_pending before insert on question
  when not exists (select 1 from request r where r.id = new.request_id and r.state = 'pending')
  begin select raise(abort, 'only a pending request is asked about'); end`

export async function up(db: Kysely<unknown>): Promise<void> {
  const triggers = [...APPEND_ONLY.flatMap(appendOnly), ORDER, WHILE_PENDING]
  for (const statement of [...TABLES, ...triggers]) await sql.raw(statement).execute(db)
}

function appendOnly(table: string): readonly string[] {
  return ['update', 'delete'].map(
    (verb) => `create trigger ${table}_no_${verb} before ${verb} on ${table}
      begin select raise(abort, '${table}: past entries are never changed'); end`,
  )
}
