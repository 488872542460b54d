/** Statements that change the conversation: transactions, settings, cursors, COPY, EXPLAIN. */

import type { CatalogueRelation } from '../catalogue.ts'
import { quoteName } from '../quote.ts'
import type { Command, Span, StatementFacts } from '../statement.ts'
import type { Parts, Work } from './classify.ts'
import type { Gathering, Scene } from './context.ts'
import { copyColumns, copyOptions, PROGRAM_REFUSAL } from './copy.ts'
import { effectsOf } from './effects.ts'
import { executePlan, explainOptions, queryPlan } from './explain.ts'
import { nameSpan, parenthesised, type Token, tokens } from './lexer.ts'
import { CONSTANT, type Column, combine, UNPROVED } from './lineage-types.ts'
import { findRelations } from './names.ts'
import { ANYTHING, origin } from './origins.ts'
import { addRelation, addTarget } from './relations.ts'
import { setFacts } from './set.ts'
import { tableColumns } from './tables.ts'
import { CHAIN_REFUSAL, transactionCommand } from './transaction.ts'
import { child, flag, list, type Node, node, type Tree, text } from './tree.ts'

type StatementReader = (scene: Scene, root: Node, span: Span, source: string) => StatementFacts
type Reader = (work: Work, inner: StatementReader) => Parts

export const CONVERSATION: Readonly<Record<string, Reader>> = {
  TransactionStmt: transaction,
  VariableSetStmt: set,
  VariableShowStmt: show,
  ConstraintsSetStmt: ({ gathering }) => {
    gathering.add({ class: 'session', why: 'SET CONSTRAINTS' })
    return { verb: 'SET CONSTRAINTS', command: { type: 'utility', returnsRows: false } }
  },
  DiscardStmt: discard,
  PrepareStmt: prepare,
  ExecuteStmt: (work) => execute(work, work.root.body, 'no'),
  DeallocateStmt: deallocate,
  DeclareCursorStmt: declare,
  FetchStmt: fetch,
  ClosePortalStmt: close,
  CopyStmt: copy,
  ExplainStmt: explain,
  CreateTableAsStmt: createTableAs,
}

function transaction({ gathering, root }: Work): Parts {
  const command = transactionCommand(root.body)
  const verb = text(root.body, 'kind').replace('TRANS_STMT_', '').replaceAll('_', ' ')
  if (command === null) {
    gathering.add({ class: 'unknown', why: `hoop does not know ${verb}` })
    return { verb, command: { type: 'utility', returnsRows: false } }
  }
  const isTwoPhase = command.type === 'two-phase'
  gathering.add({ class: isTwoPhase ? 'admin' : 'transaction', why: `${verb} of a transaction` })
  const chains = (command.type === 'commit' || command.type === 'rollback') && command.chain
  if (chains) gathering.refuse(CHAIN_REFUSAL)
  return { verb, command }
}

function set({ gathering, root, source, span }: Work): Parts {
  const own = source.slice(span.offset, span.offset + span.length)
  const { command, refusal } = setFacts(root.body, own)
  gathering.add(
    command.type === 'set-transaction' || text(root.body, 'name').startsWith('TRANSACTION')
      ? { class: 'transaction', why: 'SET TRANSACTION' }
      : { class: 'session', why: 'moves a setting of the session' },
  )
  gathering.refuse(refusal)
  return { verb: text(root.body, 'kind').startsWith('VAR_RESET') ? 'RESET' : 'SET', command }
}

/** Settings of the session's own (`my.x`) can hold what was put there. */
function show({ root }: Work): Parts {
  const name = text(root.body, 'name')
  const value = name.includes('.') ? { ...UNPROVED, origins: ANYTHING } : CONSTANT
  const names = name === 'all' ? ['name', 'setting', 'description'] : [name]
  return {
    verb: 'SHOW',
    command: { type: 'show', name: name.toLowerCase() },
    columns: names.map((one) => ({ ...value, name: one })),
  }
}

function discard({ gathering, root }: Work): Parts {
  const target = text(root.body, 'target').replace('DISCARD_', '').toLowerCase()
  gathering.add({ class: 'session', why: `DISCARD ${target.toUpperCase()}` })
  const what = target === 'plans' || target === 'sequences' || target === 'temp' ? target : 'all'
  return { verb: 'DISCARD', command: { type: 'discard', what } }
}

function prepare(work: Work, inner: StatementReader): Parts {
  const { gathering, root, scene, span, source } = work
  const found = node(root.body['query'])
  gathering.add({ class: 'session', why: 'PREPARE only keeps the statement' })
  if (found === null) return unknown(work, 'PREPARE')
  // A body: EXECUTE gives its parameters, which can be expressions.
  const facts = inner({ ...scene, depth: scene.depth + 1 }, found, span, source)
  gathering.refuse(facts.refusal)
  const name = text(root.body, 'name')
  return {
    verb: 'PREPARE',
    command: { type: 'prepare', name, nameSpan: nameAt(work, 'prepare'), inner: facts },
  }
}

/**
 * What it does is what was prepared, and only the gate knows that: it joins these facts, which are
 * those of the arguments alone, with the prepared ones, and answers itself where there are none.
 */
function execute(work: Work, body: Tree, mode: 'no' | 'plan' | 'analyze'): Parts {
  effectsOf(work.gathering, list(body, 'params'))
  const name = text(body, 'name')
  const nameSpan = nameAt(work, 'execute')
  return { verb: 'EXECUTE', command: { type: 'execute', name, nameSpan, explain: mode } }
}

function deallocate(work: Work): Parts {
  const { gathering, root } = work
  gathering.add({ class: 'session', why: 'DEALLOCATE' })
  const all = flag(root.body, 'isall')
  const found = words(work)
  const at = found[1]?.text === 'prepare' && found.length > 2 ? 2 : 1
  return {
    verb: 'DEALLOCATE',
    command: {
      type: 'deallocate',
      name: all ? null : text(root.body, 'name'),
      nameSpan: all ? null : nameSpan(found, at),
    },
  }
}

function declare(work: Work, inner: StatementReader): Parts {
  const { gathering, root, scene, span, source } = work
  const found = node(root.body['query'])
  if (found === null) return unknown(work, 'DECLARE')
  const facts = inner(scene, found, span, source)
  absorb(work, facts)
  const name = text(root.body, 'portalname')
  gathering.refuse(facts.refusal)
  return {
    verb: 'DECLARE',
    command: { type: 'declare', name, nameSpan: nameAt(work, 'declare'), inner: facts },
  }
}

/** As with EXECUTE: the gate joins these facts with those of the cursor. */
function fetch(work: Work): Parts {
  const { root } = work
  const name = text(root.body, 'portalname')
  const move = flag(root.body, 'ismove')
  const all = words(work)
  return {
    verb: move ? 'MOVE' : 'FETCH',
    command: { type: 'fetch', name, nameSpan: lastName(all), move },
  }
}

function close(work: Work): Parts {
  const { gathering, root } = work
  gathering.add({ class: 'transaction', why: 'CLOSE of a cursor' })
  const name = text(root.body, 'portalname')
  const all = name === ''
  return {
    verb: 'CLOSE',
    command: {
      type: 'close',
      name: all ? null : name,
      nameSpan: all ? null : nameSpan(words(work), 1),
    },
  }
}

function copy(work: Work, inner: StatementReader): Parts {
  const { gathering, root } = work
  const { body } = root
  if (flag(body, 'is_program')) gathering.refuse(PROGRAM_REFUSAL)
  if (flag(body, 'is_program') || text(body, 'filename') !== '') {
    gathering.add({ class: 'admin', why: 'COPY with a file or a program of the server' })
  }
  if (flag(body, 'is_from')) return copyIn(work)
  return node(body['query']) === null ? copyTable(work) : copyQuery(work, inner)
}

function copyIn({ gathering, root }: Work): Parts {
  const range = child(root.body, 'relation')
  if (range !== null) addTarget(gathering, range, false)
  gathering.reach.writesRows()
  effectsOf(gathering, [root.body['whereClause']])
  gathering.add({ class: 'write', why: 'COPY FROM adds rows' })
  const columns = copyColumns(root.body)?.length ?? null
  return { verb: 'COPY', command: { type: 'copy-in', columns, options: copyOptions(root.body) } }
}

function copyTable({ gathering, root, scene }: Work): Parts {
  const range = child(root.body, 'relation') ?? {}
  addRelation(gathering, range, new Set())
  const found = findRelations(scene, text(range, 'schemaname'), text(range, 'relname'))
  const relation = found.length === 1 ? found[0]! : null
  const names = copyColumns(root.body)
  const columns = relation === null ? null : copied(gathering, relation)
  const picked = names?.map(
    (name) => columns?.find((one) => one.name === name) ?? { ...UNPROVED, name },
  )
  gathering.reach.reads(combine(picked ?? columns ?? [UNPROVED]))
  const listed = (picked ?? columns)?.map((column) => quoteName(column.name)).join(', ') ?? '*'
  return {
    verb: 'COPY',
    command: {
      type: 'copy-out',
      options: copyOptions(root.body),
      query: `SELECT ${listed} FROM ONLY ${relation === null ? rangeName(range) : fullName(relation)}`,
    },
    columns: picked ?? columns,
  }
}

/** Generated columns are not copied. */
function copied(gathering: Gathering, relation: CatalogueRelation): Column[] {
  const all = tableColumns(gathering, relation)
  return all.filter((_, index) => relation.columns[index]?.generated === undefined)
}

function fullName(relation: { schema: string; name: string }): string {
  return `${quoteName(relation.schema)}.${quoteName(relation.name)}`
}

function rangeName(range: Tree): string {
  const schema = text(range, 'schemaname')
  const name = quoteName(text(range, 'relname'))
  return schema === '' ? name : `${quoteName(schema)}.${name}`
}

function copyQuery(work: Work, inner: StatementReader): Parts {
  const { root, scene, span, source } = work
  const facts = inner(scene, node(root.body['query'])!, span, source)
  absorb(work, facts)
  work.gathering.refuse(facts.refusal)
  const place = parenthesised(words(work))
  const bytes = place === null ? '' : source.slice(place.offset, place.offset + place.length)
  const command: Command = {
    type: 'copy-out',
    options: copyOptions(root.body),
    query: Buffer.from(bytes, 'latin1').toString('utf8'),
  }
  return { verb: 'COPY', command, columns: columnsOf(facts) }
}

/** Without ANALYZE nothing runs but what the planner folds, so functions count all the same. */
function explain(work: Work, inner: StatementReader): Parts {
  const { gathering, root, scene, span, source } = work
  const found = node(root.body['query'])
  if (found === null) return unknown(work, 'EXPLAIN')
  const options = explainOptions(root.body)
  const { analyze } = options
  if (found.type === 'ExecuteStmt') {
    const parts = execute(work, found.body, analyze ? 'analyze' : 'plan')
    return { ...parts, columns: executePlan(options) }
  }
  const facts = inner(scene, found, span, source)
  const writes = facts.class === 'write' && facts.why.endsWith(' changes data')
  absorb(work, analyze ? facts : planned(facts, writes))
  gathering.refuse(facts.refusal)
  return {
    verb: analyze ? 'EXPLAIN ANALYZE' : 'EXPLAIN',
    command: { type: 'utility', returnsRows: true },
    ddl: facts.ddl,
    columns: queryPlan(scene, facts, options),
  }
}

/** A plan changes no rows. */
function planned(facts: StatementFacts, writes: boolean): StatementFacts {
  const read = { ...facts, writes: [], rowsWritten: [], columnsWritten: [], unbounded: false }
  return writes ? { ...read, class: 'read', why: '' } : read
}

function createTableAs(work: Work, inner: StatementReader): Parts {
  const { gathering, root, scene, span, source } = work
  const found = node(root.body['query'])
  if (found === null) return unknown(work, 'CREATE TABLE AS')
  const filled = found.type === 'ExecuteStmt' ? null : inner(scene, found, span, source)
  if (filled === null) {
    effectsOf(gathering, list(found.body, 'params'))
    // What was prepared, only the session knows.
    gathering.reach.opaque = true
  } else absorb(work, filled)
  const into = child(root.body, 'into')
  const target = into === null ? null : child(into, 'rel')
  if (target !== null) addTarget(gathering, target)
  gathering.reach.writesRows()
  gathering.add({ class: 'ddl', why: 'makes a table' })
  const view = text(root.body, 'objtype') === 'OBJECT_MATVIEW'
  return {
    verb: view ? 'CREATE MATERIALIZED VIEW' : 'CREATE TABLE AS',
    command: { type: 'utility', returnsRows: false },
    ddl: 'create',
    fills: filled?.output ?? null,
  }
}

/** What an inner statement does, the outer one does. */
function absorb({ gathering }: Work, facts: StatementFacts): void {
  gathering.add({ class: facts.class, why: facts.why })
  for (const name of facts.reads) gathering.reads.add(name)
  for (const name of facts.writes) gathering.writes.add(name)
  for (const table of facts.tables) gathering.tables.add(table)
  for (const use of facts.functions) gathering.functions.set(use.name, use)
  gathering.reach.absorb(facts)
}

function columnsOf(facts: StatementFacts): readonly Column[] | null {
  return (
    facts.output?.map(({ name, origins, proved, plain }) => ({
      name,
      origins: origins.map(({ table, column }) => origin(table, column)),
      proved,
      plain,
      row: null,
    })) ?? null
  )
}

function unknown({ gathering }: Work, verb: string): Parts {
  gathering.add({ class: 'unknown', why: `hoop cannot read this ${verb}` })
  return { verb, command: { type: 'utility', returnsRows: true } }
}

function words({ source, span }: Work): Token[] {
  return tokens(source, span.offset, span.offset + span.length)
}

/** The name after this keyword. */
function nameAt(work: Work, keyword: string): Span {
  const all = words(work)
  const at = all.findIndex((token) => token.kind === 'word' && token.text === keyword)
  return nameSpan(all, at + 1)
}

/** FETCH and MOVE end with the name; a U&"…" UESCAPE '…' is three tokens. */
function lastName(all: readonly Token[]): Span {
  const escaped = all.length > 2 && all.at(-2)?.text === 'uescape' && all.at(-1)?.kind === 'string'
  return nameSpan(all, escaped ? all.length - 3 : all.length - 1)
}
