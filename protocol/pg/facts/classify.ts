/** One statement: its class, what it does to the conversation, and all that is known of it. */
import type {
  Command,
  FunctionUse,
  OutputColumn,
  Span,
  StatementClass,
  StatementFacts,
} from '../statement.ts'
import { Gathering, type Scene } from './context.ts'
import { CONVERSATION } from './conversation.ts'
import { effects, effectsOf } from './effects.ts'
import { lineage } from './lineage.ts'
import type { Column } from './lineage-types.ts'
import { nameObjects } from './objects.ts'
import { toColumns } from './origins.ts'
import { child, flag, list, type Node, type Tree, text } from './tree.ts'
import { ADMIN_OBJECTS, UTILITIES } from './utility-table.ts'

/** The statement under work: its text and place, and what is gathered so far. */
export interface Work {
  readonly gathering: Gathering
  readonly scene: Scene
  readonly root: Node
  readonly span: Span
  /** One character for each byte of the whole text. */
  readonly source: string
}

export interface Parts {
  readonly verb: string
  readonly command: Command
  readonly ddl?: string | null
  readonly columns?: readonly Column[] | null
  readonly fills?: readonly OutputColumn[] | null
}

const QUERIES: Readonly<Record<string, string>> = {
  SelectStmt: 'SELECT',
  InsertStmt: 'INSERT',
  UpdateStmt: 'UPDATE',
  DeleteStmt: 'DELETE',
  MergeStmt: 'MERGE',
}

export function statementFacts(
  scene: Scene,
  root: Node,
  span: Span,
  source: string,
): StatementFacts {
  const gathering = new Gathering(scene)
  const work: Work = { gathering, scene, root, span, source }
  return finish(work, parts(work))
}

function parts(work: Work): Parts {
  const { type } = work.root
  if (type in QUERIES) return query(work)
  const conversation = CONVERSATION[type]
  if (conversation !== undefined) return conversation(work, statementFacts)
  return utility(work)
}

function query({ gathering, root }: Work): Parts {
  const { type, body } = root
  gathering.root = type === 'SelectStmt' ? body : null
  effects(gathering, root)
  const into = child(body, 'intoClause') !== null
  const columns = lineage(gathering, root)
  return {
    verb: into ? 'SELECT INTO' : QUERIES[type]!,
    command: { type: 'query' },
    ddl: into ? 'create' : null,
    // SELECT INTO returns nothing.
    columns: into ? [] : columns,
    fills: into ? outputOf(columns) : null,
  }
}

/** No query runs here that hoop would let pass; relations are named for the rules. */
function utility({ gathering, root }: Work): Parts {
  const { type, body } = root
  const known = UTILITIES.get(type)
  const command: Command = { type: 'utility', returnsRows: type === 'CallStmt' }
  if (type === 'CallStmt') return call(gathering, body)
  if (known === undefined) {
    gathering.add({ class: 'unknown', why: `hoop does not know the statement ${type}` })
    return {
      verb: type.replace(/Stmt$/, '').toUpperCase(),
      command: { type: 'utility', returnsRows: true },
    }
  }
  const verb = verbOf(type, body, known.verb)
  gathering.add({ class: classOf(type, body, known.class), why: `${verb} is ${known.class}` })
  nameObjects(gathering, body)
  if (type === 'DoStmt' || OWNERS.has(type)) gathering.reach.opaque = true
  if (type === 'TruncateStmt') gathering.reach.unbounded = true
  return { verb, command, ddl: known.ddl }
}

function call(gathering: Gathering, body: Tree): Parts {
  gathering.add({ class: 'write', why: 'CALL runs a procedure, which can do anything' })
  gathering.reach.opaque = true
  const funccall = child(body, 'funccall')
  effectsOf(gathering, funccall === null ? [] : list(funccall, 'args'))
  return { verb: 'CALL', command: { type: 'utility', returnsRows: true } }
}

function classOf(type: string, body: Tree, usual: StatementClass): StatementClass {
  if (type === 'LockStmt') return body['mode'] === 1 ? 'read' : usual
  const object = [text(body, 'removeType'), text(body, 'renameType'), text(body, 'objectType')]
  return object.some((one) => ADMIN_OBJECTS.has(one)) ? 'admin' : usual
}

function verbOf(type: string, body: Tree, usual: string): string {
  if (type === 'VacuumStmt' && !flag(body, 'is_vacuumcmd')) return 'ANALYZE'
  if (type === 'GrantStmt' && !flag(body, 'is_grant')) return 'REVOKE'
  if (type === 'GrantRoleStmt' && !flag(body, 'is_grant')) return 'REVOKE'
  const object = text(body, 'removeType') || text(body, 'renameType')
  if (type !== 'DropStmt' && type !== 'RenameStmt') return usual
  return `${usual} ${object.replace('OBJECT_', '').replaceAll('_', ' ')}`.trim()
}

/** All that a role owns, or that a database holds. */
const OWNERS: ReadonlySet<string> = new Set([
  'DropOwnedStmt',
  'ReassignOwnedStmt',
  'DropdbStmt',
  'AlterTableMoveAllStmt',
])

function finish({ gathering, root, span }: Work, made: Parts): StatementFacts {
  if (gathering.class === 'unknown') gathering.reach.opaque = true
  return {
    class: gathering.class,
    node: root.type,
    verb: made.verb,
    span,
    command: made.command,
    reads: [...gathering.reads].sort(),
    writes: [...gathering.writes].sort(),
    tables: [...gathering.tables],
    ...gathering.reach.finish(),
    functions: functionUses(gathering),
    ddl: made.ddl ?? null,
    output: outputOf(made.columns ?? null),
    fills: made.fills ?? null,
    why: gathering.why,
    refusal: gathering.refusal,
  }
}

function functionUses(gathering: Gathering): FunctionUse[] {
  return [...gathering.functions.values()]
}

export function outputOf(columns: readonly Column[] | null): OutputColumn[] | null {
  if (columns === null) return null
  return columns.map(({ name, origins, proved, plain }) => ({
    name,
    origins: toColumns(origins),
    proved,
    plain,
  }))
}
