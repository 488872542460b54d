import { z } from 'zod'
import { ConnectionName } from '../../protocol/api/common.ts'
import { UTILITIES } from '../../protocol/pg/facts/utility-table.ts'
import { parseColumn, parseTable } from './columns.ts'
import { CLASSES, DETECTORS } from './policy.ts'
import { onCallSchema, timeKeys } from './time-schema.ts'

/** Group names come from the identity provider: any printable text without blanks at its ends. */
const GROUP = /^[^\s\p{C}](?:[^\p{C}]{0,198}[^\s\p{C}])?$/u

export const groupName = z
  .string({ error: 'a group is a text: write its name in quotes' })
  .regex(GROUP, 'this cannot be a group: 1 to 200 printable characters, no blanks at the ends')

export const groupList = z
  .array(groupName, { error: 'write a list of groups: [engineers, dba]' })
  .refine((groups) => new Set(groups).size === groups.length, 'a group is named twice in this list')

const count = z
  .int({ error: 'count is a whole number from 1 to 20' })
  .min(1, 'count is a whole number from 1 to 20')
  .max(20, 'count is a whole number from 1 to 20')

const need = z.union([groupName, z.strictObject({ group: groupName, count: count.default(1) })], {
  error: 'write a group, or {group: dba, count: 1}',
})

const needs = z
  .array(need)
  .min(1, 'hold names whose approval is needed: [{group: dba, count: 1}]')
  .max(10)

const any = z.strictObject(
  {
    any: z
      .array(z.union([need, needs]), {
        error: 'any is a list of ways: [[{group: dba, count: 2}], security]',
      })
      .min(2, 'any has at least two ways: with one, leave it out')
      .max(10),
  },
  { error: 'write {any: [[{group: dba, count: 2}], security]}: one of these is enough' },
)

const oneWay = z.union([groupName, need, needs], {
  error: 'write whose approval is needed: [{group: dba, count: 1}]',
})

const hold = z.union([groupName, need, needs, any], {
  error: 'write whose approval is needed: [{group: dba, count: 1}], or {any: [[dba], [security]]}',
})

const separation = z.strictObject(
  {
    groups: groupList.min(2, 'groups that never hold together are at least two'),
    may_not: z.enum(['approve', 'approve-each-other'], {
      error: 'may_not is approve, or approve-each-other',
    }),
  },
  { error: 'write {groups: [engineers, dba], may_not: approve}' },
)

const reason = z
  .string({ error: 'deny takes the reason that the person is told, as a text' })
  .min(1, 'deny takes the reason that the person is told')
  .max(500)

const deny = z.union([z.literal('deny'), z.strictObject({ deny: reason })])

export const rule = z.union(
  [
    z.literal('allow'),
    z.literal('deny'),
    z.strictObject({ hold }),
    z.strictObject({ deny: reason }),
  ],
  { error: 'write allow, deny, or {hold: [{group: dba, count: 1}]}' },
)

const heldRule = z.union(
  [z.literal('deny'), z.strictObject({ hold }), z.strictObject({ deny: reason })],
  {
    error:
      'what is not understood cannot be allowed: write deny, or {hold: [{group: dba, count: 1}]}',
  },
)

const passRule = z.union([z.literal('allow'), deny], {
  error: 'BEGIN and COMMIT cannot wait for people: write allow or deny, and hold write and ddl',
})

const rules = z.strictObject(
  {
    read: rule.optional(),
    write: rule.optional(),
    ddl: rule.optional(),
    admin: rule.optional(),
    session: rule.optional(),
    transaction: passRule.optional(),
    unknown: heldRule.optional(),
  },
  { error: 'rules name what happens to read, write, ddl and admin' },
)

const some = <T extends z.ZodType>(one: T, error: string) =>
  z.union([one, z.array(one).min(1, error).max(100)], { error })

const TABLE = 'a table is named table or schema.table, with columns as people(ssn), all as schema.*'
const table = z.string({ error: TABLE }).refine((text) => parseTable(text) !== null, TABLE)
const FUNCTION = 'a function is named name or schema.name, all of a schema as schema.*'
const functionName = z
  .string({ error: FUNCTION })
  .refine((text) => parseTable(text)?.columns === null, FUNCTION)

/** `create`, `drop`, `truncate`, …: what facts call them. */
const KINDS = [...new Set([...UTILITIES.values()].flatMap(({ ddl }) => ddl ?? []))].sort()
const kind = z.enum(KINDS as [string, ...string[]], {
  error: `ddl is one of ${KINDS.join(', ')}`,
})
const className = z.enum(CLASSES, { error: `class is one of ${CLASSES.join(', ')}` })

const condition = z.strictObject(
  {
    class: some(className, `class is one of ${CLASSES.join(', ')}`).optional(),
    ddl: some(kind, `ddl is one of ${KINDS.join(', ')}`).optional(),
    reads: some(table, TABLE).optional(),
    writes: some(table, TABLE).optional(),
    calls: some(functionName, FUNCTION).optional(),
    without: z
      .literal('where', { error: 'without takes where: an UPDATE or DELETE that nothing bounds' })
      .optional(),
  },
  { error: 'write what the statement does: {ddl: drop} or {writes: orders}' },
)

const statementRule = z.strictObject(
  {
    deny: condition.optional(),
    hold: condition.optional(),
    by: hold.optional(),
    reason: reason.optional(),
  },
  { error: 'write deny or hold with what the statement does: {deny: {ddl: drop}}' },
)

const PER_SESSION = /^([1-9]\d{0,5}) per session$/
const limited = z.strictObject({
  allow: z
    .string({ error: 'write how many: {allow: 20 per session}' })
    .regex(PER_SESSION, 'write how many: {allow: 20 per session}'),
})

const equalityRule = z.union(
  [
    z.literal('allow'),
    z.literal('deny'),
    limited,
    z.strictObject({ hold }),
    z.strictObject({ deny: reason }),
  ],
  { error: 'write allow, deny, {allow: 20 per session} or {hold: [{group: dba, count: 1}]}' },
)

const USES_SAID = 'predicates are allow, deny, or a map: {order: allow, other: {hold: dba}}'
const predicateMap = z.strictObject(
  {
    equality: equalityRule.optional(),
    presence: rule.optional(),
    filter: rule.optional(),
    join: rule.optional(),
    order: rule.optional(),
    group: rule.optional(),
    compute: rule.optional(),
    other: rule.optional(),
  },
  { error: USES_SAID },
)
const predicates = z.union([z.literal('allow'), z.literal('deny'), predicateMap], {
  error: USES_SAID,
})

const last = z
  .int({ error: 'last is a whole number from 1 to 16' })
  .min(1, 'last is a whole number from 1 to 16')
  .max(16, 'last is a whole number from 1 to 16')

const partial = z.strictObject({
  partial: z.strictObject({ last }, { error: 'write {partial: {last: 4}}' }),
})

const mask = z.union([z.enum(['redact', 'hash', 'null']), partial], {
  error: "write redact, hash, 'null' (in quotes) or {partial: {last: 4}}",
})

/** Part of a text cannot be NULL. */
const found = z.union([z.enum(['redact', 'hash', 'show']), partial], {
  error: 'write redact, hash, {partial: {last: 4}}, or show to leave it as it is',
})

const detect = z.partialRecord(z.enum(DETECTORS), found, {
  error: 'detect maps what is looked for to how it is masked: {email: redact}',
})

const columnKey = z
  .string()
  .refine(
    (text) => parseColumn(text) !== null,
    'a column is named table.column or schema.table.column',
  )

export const connectionPolicy = z.strictObject(
  {
    request: groupList.min(1, 'name at least one group: without it nobody may use the connection'),
    see: groupList.optional(),
    separate: z
      .array(separation, { error: 'separate is a list: [{groups: [a, b], may_not: approve}]' })
      .max(20)
      .optional(),
    rules,
    statements: z
      .array(statementRule, { error: 'statements is a list: [{deny: {ddl: drop}}]' })
      .max(200)
      .optional(),
    predicates: predicates.optional(),
    mask: z
      .record(columnKey, mask, { error: 'mask maps columns to how: {people.ssn: redact}' })
      .optional(),
    detect: detect.optional(),
    ...timeKeys(oneWay, groupName),
  },
  { error: 'a connection has request, rules, mask and detect' },
)

export const policyFile = z.strictObject(
  {
    connections: z.record(ConnectionName, connectionPolicy, {
      error: 'connections maps names to their rules',
    }),
    on_call: onCallSchema(groupName).optional(),
  },
  { error: 'a policy is a map that starts with connections:' },
)

export type PolicyFile = z.infer<typeof policyFile>

/** For editors: completion and faults while typing (`# yaml-language-server: $schema=…`). */
export function policyJsonSchema(): object {
  return { title: 'hoop policy', ...z.toJSONSchema(policyFile, { io: 'input' }) }
}
