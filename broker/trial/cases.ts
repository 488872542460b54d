/** The file of cases beside a policy: who asks what where, and what is expected. */
import { z } from 'zod'
import { checkDocument, Document, type Fault, FaultyFile, sortFaults } from '../policy/document.ts'
import type { Need, Policy } from '../policy/policy.ts'
import { groupName } from '../policy/schema.ts'
import { nearest } from '../policy/spelling.ts'

export interface Case {
  /** `policy.test.yaml:12` */
  readonly place: string
  readonly name: string
  readonly groups: readonly string[]
  readonly connection: string
  /** Null: the first that the connection has. */
  readonly database: string | null
  readonly sql: string
  readonly expect: 'allow' | 'hold' | 'deny'
  /** All ways to approve it; null: not asked. */
  readonly approvers: readonly (readonly Need[])[] | null
  readonly masked: readonly string[] | null
}

/** A schema as text, or the path of its file. */
type SchemaSource = { readonly text: string } | { readonly file: string }

export interface CaseFile {
  readonly cases: readonly Case[]
  /** By connection; `*` for all others. */
  readonly schemas: ReadonlyMap<string, SchemaSource>
}

const SCHEMA = 'schema is SQL that makes the tables, or {file: schema.sql}'
const schema = z.union(
  [z.string({ error: SCHEMA }), z.strictObject({ file: z.string({ error: SCHEMA }).min(1) })],
  { error: SCHEMA },
)

const NEED = 'write a group, or {group: dba, count: 2}'
const count = z.int({ error: NEED }).min(1).max(20)
const need = z.union([groupName, z.strictObject({ group: groupName, count: count.default(1) })], {
  error: NEED,
})

const needs = z.union([need, z.array(need)], { error: NEED })
const approvers = z.union([needs, z.strictObject({ any: z.array(needs).min(2) })], {
  error: NEED,
})

const WHERE = 'where is a connection, or connection/database'
const DECISIONS = 'expect is allow, hold or deny'
const one = z.strictObject(
  {
    name: z.string({ error: 'name is a text' }).min(1).optional(),
    who: z.union([groupName, z.array(groupName)], { error: 'who is a group, or a list of groups' }),
    where: z.string({ error: WHERE }).regex(/^[^/\s]+(\/[^/]+)?$/, WHERE),
    sql: z.string({ error: 'sql is a text' }),
    parameters: z.array(z.unknown(), { error: 'parameters is a list' }).optional(),
    expect: z.enum(['allow', 'hold', 'deny'], { error: DECISIONS }),
    approvers: approvers.optional(),
    masked: z
      .union([z.string(), z.array(z.string())], { error: 'masked is a list of output columns' })
      .optional(),
  },
  { error: 'a case has who, where, sql and expect' },
)

const file = z.strictObject(
  {
    schema: schema.optional(),
    schemas: z.record(z.string(), schema, { error: 'schemas maps connections to SQL' }).optional(),
    tests: z
      .array(one, { error: 'tests is a list of cases' })
      .min(1, 'there is no case')
      .max(5_000),
  },
  { error: 'a file of cases is a map with schema: and tests:' },
)

type Raw = z.infer<typeof file>

/** FaultyFile with everything that is wrong with it. */
export function readCases(text: string, name: string, policy: Policy): CaseFile {
  const document = new Document(text, name)
  const { value, faults } = checkDocument(document, file)
  if (value === null) throw new FaultyFile('bad_cases', faults)
  const more = strangeConnections(value, document, policy)
  if (more.length > 0) throw new FaultyFile('bad_cases', sortFaults(more))
  return { cases: value.tests.map((raw, index) => caseOf(raw, index, document)), ...schemas(value) }
}

function strangeConnections(raw: Raw, document: Document, policy: Policy): readonly Fault[] {
  const names = [...policy.connections.keys()]
  const check = (name: string, path: readonly PropertyKey[]) => {
    if (names.includes(name)) return []
    const near = nearest(name, names)
    const hint = near === null ? '' : `; did you mean "${near}"?`
    return [document.fault(path, `the policy says nothing of ${name}${hint}`)]
  }
  return [
    ...raw.tests.flatMap(({ where }, index) =>
      check(where.split('/')[0]!, ['tests', index, 'where']),
    ),
    ...Object.keys(raw.schemas ?? {}).flatMap((key) => check(key, ['schemas', key])),
  ]
}

function caseOf(raw: Raw['tests'][number], index: number, document: Document): Case {
  const [connection = '', database = null] = raw.where.split('/')
  return {
    place: document.place(['tests', index]),
    name: raw.name ?? raw.sql.trim().replace(/\s+/g, ' '),
    groups: typeof raw.who === 'string' ? [raw.who] : raw.who,
    connection,
    database,
    sql: raw.sql,
    expect: raw.expect,
    approvers: raw.approvers === undefined ? null : waysOf(raw.approvers),
    masked: raw.masked === undefined ? null : listOf(raw.masked),
  }
}

function listOf<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? value : [value as T]
}

function waysOf(raw: z.infer<typeof approvers>): NonNullable<Case['approvers']> {
  const ways = typeof raw === 'object' && 'any' in raw ? raw.any : [raw]
  return ways.map((way) => listOf(way).map(needOf)).filter((way) => way.length > 0)
}

function needOf(raw: string | Need): Need {
  return typeof raw === 'string' ? { group: raw, count: 1 } : raw
}

function schemas(raw: Raw): Pick<CaseFile, 'schemas'> {
  const source = (text: z.infer<typeof schema>): SchemaSource =>
    typeof text === 'string' ? { text } : text
  const own = Object.entries(raw.schemas ?? {}).map(([name, of]) => [name, source(of)] as const)
  return { schemas: new Map([['*', source(raw.schema ?? '')] as const, ...own]) }
}

/** For editors. */
export function casesJsonSchema(): object {
  return { title: 'cases of a hoop policy', ...z.toJSONSchema(file, { io: 'input' }) }
}
