import type { StatementFacts } from '../../protocol/pg/statement.ts'

/**
 * What a statement stands on, as one query for the target: the rows of the catalogue behind its
 * tables (with columns, defaults, rules, triggers and their functions) and its functions, by OID
 * and xmin. The answer is another one as soon as any of them was replaced, altered or exchanged for
 * another of the same name. Null: it names nothing.
 */
export function objectsQuery(statements: readonly StatementFacts[]): string | null {
  const tables = [...new Set(statements.flatMap((facts) => facts.tables))].map(Number)
  const relations = names(statements.flatMap((facts) => [...facts.reads, ...facts.writes]))
  const functions = names(statements.flatMap((facts) => facts.functions.map((each) => each.name)))
  if (tables.length + relations.length + functions.length === 0) return null
  return `
WITH named AS (
  SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname || '.' || c.relname = ANY (${textArray(relations)}) OR c.oid = ANY (${oidArray(tables)})
), called AS (
  SELECT p.oid FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
   WHERE n.nspname || '.' || p.proname = ANY (${textArray(functions)})
  UNION
  SELECT t.tgfoid FROM pg_catalog.pg_trigger t WHERE t.tgrelid IN (SELECT oid FROM named)
), parts(part) AS (
  SELECT 'class ' || c.oid || ' ' || c.xmin || ' ' || c.relname || ' ' || c.relnamespace FROM pg_catalog.pg_class c WHERE c.oid IN (SELECT oid FROM named)
  UNION ALL SELECT 'column ' || a.attrelid || ' ' || a.attnum || ' ' || a.xmin FROM pg_catalog.pg_attribute a WHERE a.attrelid IN (SELECT oid FROM named)
  UNION ALL SELECT 'default ' || d.oid || ' ' || d.xmin FROM pg_catalog.pg_attrdef d WHERE d.adrelid IN (SELECT oid FROM named)
  UNION ALL SELECT 'rule ' || r.oid || ' ' || r.xmin FROM pg_catalog.pg_rewrite r WHERE r.ev_class IN (SELECT oid FROM named)
  UNION ALL SELECT 'trigger ' || t.oid || ' ' || t.xmin FROM pg_catalog.pg_trigger t WHERE t.tgrelid IN (SELECT oid FROM named)
  UNION ALL SELECT 'function ' || p.oid || ' ' || p.xmin FROM pg_catalog.pg_proc p WHERE p.oid IN (SELECT oid FROM called)
)
SELECT pg_catalog.md5(pg_catalog.string_agg(part, ',' ORDER BY part COLLATE "C")) FROM parts`
}

function names(all: readonly string[]): string[] {
  return [...new Set(all)].sort()
}

/** Names come from statements: quoted as literals, with standard_conforming_strings on. */
function textArray(values: readonly string[]): string {
  const literals = values.map((value) => `'${value.replaceAll('\0', '').replaceAll("'", "''")}'`)
  return `ARRAY[${literals.join(', ')}]::pg_catalog.text[]`
}

function oidArray(values: readonly number[]): string {
  return `ARRAY[${values.map((value) => value >>> 0).join(', ')}]::pg_catalog.oid[]`
}
