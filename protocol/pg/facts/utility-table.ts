/**
 * Statements that are no query: what they are called and which class they have. A node that stands
 * nowhere here is unknown. Where the object decides (DROP, ALTER … RENAME) see `ADMIN_OBJECTS`.
 */
import type { StatementClass } from '../statement.ts'

export interface Utility {
  readonly class: StatementClass
  readonly verb: string
  readonly ddl: string | null
}

const ROWS: readonly (readonly [string, StatementClass, string])[] = [
  ['AlterCollationStmt', 'ddl', 'ALTER COLLATION'],
  ['AlterDatabaseRefreshCollStmt', 'admin', 'ALTER DATABASE'],
  ['AlterDatabaseSetStmt', 'admin', 'ALTER DATABASE'],
  ['AlterDatabaseStmt', 'admin', 'ALTER DATABASE'],
  ['AlterDefaultPrivilegesStmt', 'admin', 'ALTER DEFAULT PRIVILEGES'],
  ['AlterDomainStmt', 'ddl', 'ALTER DOMAIN'],
  ['AlterEnumStmt', 'ddl', 'ALTER TYPE'],
  ['AlterEventTrigStmt', 'admin', 'ALTER EVENT TRIGGER'],
  ['AlterExtensionContentsStmt', 'admin', 'ALTER EXTENSION'],
  ['AlterExtensionStmt', 'admin', 'ALTER EXTENSION'],
  ['AlterFdwStmt', 'admin', 'ALTER FOREIGN DATA WRAPPER'],
  ['AlterForeignServerStmt', 'admin', 'ALTER SERVER'],
  ['AlterFunctionStmt', 'ddl', 'ALTER FUNCTION'],
  ['AlterObjectDependsStmt', 'ddl', 'ALTER'],
  ['AlterObjectSchemaStmt', 'ddl', 'ALTER'],
  ['AlterOperatorStmt', 'ddl', 'ALTER OPERATOR'],
  ['AlterOpFamilyStmt', 'ddl', 'ALTER OPERATOR FAMILY'],
  ['AlterOwnerStmt', 'ddl', 'ALTER OWNER'],
  ['AlterPolicyStmt', 'ddl', 'ALTER POLICY'],
  ['AlterPublicationStmt', 'admin', 'ALTER PUBLICATION'],
  ['AlterRoleSetStmt', 'admin', 'ALTER ROLE'],
  ['AlterRoleStmt', 'admin', 'ALTER ROLE'],
  ['AlterSeqStmt', 'ddl', 'ALTER SEQUENCE'],
  ['AlterStatsStmt', 'ddl', 'ALTER STATISTICS'],
  ['AlterSubscriptionStmt', 'admin', 'ALTER SUBSCRIPTION'],
  ['AlterSystemStmt', 'admin', 'ALTER SYSTEM'],
  ['AlterTableMoveAllStmt', 'admin', 'ALTER TABLE ALL IN TABLESPACE'],
  ['AlterTableSpaceOptionsStmt', 'admin', 'ALTER TABLESPACE'],
  ['AlterTableStmt', 'ddl', 'ALTER TABLE'],
  ['AlterTSConfigurationStmt', 'ddl', 'ALTER TEXT SEARCH CONFIGURATION'],
  ['AlterTSDictionaryStmt', 'ddl', 'ALTER TEXT SEARCH DICTIONARY'],
  ['AlterTypeStmt', 'ddl', 'ALTER TYPE'],
  ['AlterUserMappingStmt', 'admin', 'ALTER USER MAPPING'],
  ['CheckPointStmt', 'admin', 'CHECKPOINT'],
  ['ClusterStmt', 'admin', 'CLUSTER'],
  ['CommentStmt', 'ddl', 'COMMENT'],
  ['CompositeTypeStmt', 'ddl', 'CREATE TYPE'],
  ['CreateAmStmt', 'admin', 'CREATE ACCESS METHOD'],
  ['CreateCastStmt', 'ddl', 'CREATE CAST'],
  ['CreateConversionStmt', 'ddl', 'CREATE CONVERSION'],
  ['CreatedbStmt', 'admin', 'CREATE DATABASE'],
  ['CreateDomainStmt', 'ddl', 'CREATE DOMAIN'],
  ['CreateEnumStmt', 'ddl', 'CREATE TYPE'],
  ['CreateEventTrigStmt', 'admin', 'CREATE EVENT TRIGGER'],
  ['CreateExtensionStmt', 'admin', 'CREATE EXTENSION'],
  ['CreateFdwStmt', 'admin', 'CREATE FOREIGN DATA WRAPPER'],
  ['CreateForeignServerStmt', 'admin', 'CREATE SERVER'],
  ['CreateForeignTableStmt', 'ddl', 'CREATE FOREIGN TABLE'],
  ['CreateFunctionStmt', 'ddl', 'CREATE FUNCTION'],
  ['CreateOpClassStmt', 'ddl', 'CREATE OPERATOR CLASS'],
  ['CreateOpFamilyStmt', 'ddl', 'CREATE OPERATOR FAMILY'],
  ['CreatePLangStmt', 'admin', 'CREATE LANGUAGE'],
  ['CreatePolicyStmt', 'ddl', 'CREATE POLICY'],
  ['CreatePublicationStmt', 'admin', 'CREATE PUBLICATION'],
  ['CreateRangeStmt', 'ddl', 'CREATE TYPE'],
  ['CreateRoleStmt', 'admin', 'CREATE ROLE'],
  ['CreateSchemaStmt', 'ddl', 'CREATE SCHEMA'],
  ['CreateSeqStmt', 'ddl', 'CREATE SEQUENCE'],
  ['CreateStatsStmt', 'ddl', 'CREATE STATISTICS'],
  ['CreateStmt', 'ddl', 'CREATE TABLE'],
  ['CreateSubscriptionStmt', 'admin', 'CREATE SUBSCRIPTION'],
  ['CreateTableAsStmt', 'ddl', 'CREATE TABLE AS'],
  ['CreateTableSpaceStmt', 'admin', 'CREATE TABLESPACE'],
  ['CreateTransformStmt', 'admin', 'CREATE TRANSFORM'],
  ['CreateTrigStmt', 'ddl', 'CREATE TRIGGER'],
  ['CreateUserMappingStmt', 'admin', 'CREATE USER MAPPING'],
  ['DefineStmt', 'ddl', 'CREATE'],
  ['DoStmt', 'write', 'DO'],
  ['DropdbStmt', 'admin', 'DROP DATABASE'],
  ['DropOwnedStmt', 'admin', 'DROP OWNED'],
  ['DropRoleStmt', 'admin', 'DROP ROLE'],
  ['DropStmt', 'ddl', 'DROP'],
  ['DropSubscriptionStmt', 'admin', 'DROP SUBSCRIPTION'],
  ['DropTableSpaceStmt', 'admin', 'DROP TABLESPACE'],
  ['DropUserMappingStmt', 'admin', 'DROP USER MAPPING'],
  ['GrantRoleStmt', 'admin', 'GRANT'],
  ['GrantStmt', 'admin', 'GRANT'],
  ['ImportForeignSchemaStmt', 'ddl', 'IMPORT FOREIGN SCHEMA'],
  ['IndexStmt', 'ddl', 'CREATE INDEX'],
  ['ListenStmt', 'session', 'LISTEN'],
  ['LoadStmt', 'admin', 'LOAD'],
  ['LockStmt', 'admin', 'LOCK'],
  ['NotifyStmt', 'write', 'NOTIFY'],
  ['ReassignOwnedStmt', 'admin', 'REASSIGN OWNED'],
  ['RefreshMatViewStmt', 'ddl', 'REFRESH MATERIALIZED VIEW'],
  ['ReindexStmt', 'admin', 'REINDEX'],
  ['RenameStmt', 'ddl', 'ALTER'],
  ['ReplicaIdentityStmt', 'ddl', 'ALTER TABLE'],
  ['RuleStmt', 'ddl', 'CREATE RULE'],
  ['SecLabelStmt', 'admin', 'SECURITY LABEL'],
  ['TruncateStmt', 'write', 'TRUNCATE'],
  ['UnlistenStmt', 'session', 'UNLISTEN'],
  ['VacuumStmt', 'admin', 'VACUUM'],
  ['ViewStmt', 'ddl', 'CREATE VIEW'],
]

export const UTILITIES: ReadonlyMap<string, Utility> = new Map(
  ROWS.map(([node, statementClass, verb]) => [
    node,
    { class: statementClass, verb, ddl: ddlOf(node, verb) },
  ]),
)

/** Of DROP, RENAME, OWNER TO and COMMENT: objects of the server, not of a schema. */
export const ADMIN_OBJECTS: ReadonlySet<string> = new Set([
  'OBJECT_ACCESS_METHOD',
  'OBJECT_DATABASE',
  'OBJECT_EVENT_TRIGGER',
  'OBJECT_EXTENSION',
  'OBJECT_FDW',
  'OBJECT_FOREIGN_SERVER',
  'OBJECT_LANGUAGE',
  'OBJECT_PUBLICATION',
  'OBJECT_ROLE',
  'OBJECT_SUBSCRIPTION',
  'OBJECT_TABLESPACE',
  'OBJECT_TRANSFORM',
  'OBJECT_USER_MAPPING',
])

/** `create`, `alter`, `drop`, `comment`, …: what rules call it. */
function ddlOf(node: string, verb: string): string | null {
  if (['LISTEN', 'UNLISTEN', 'NOTIFY', 'DO', 'LOAD', 'LOCK', 'CHECKPOINT'].includes(verb))
    return null
  if (node === 'ImportForeignSchemaStmt') return 'create'
  return verb.split(' ')[0]!.toLowerCase()
}
