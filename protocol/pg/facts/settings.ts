/**
 * Which settings a session may move by itself. Those that hoop stands on (the read-only guard, the
 * role, the encoding, how strings are read, what the server sends as messages) are refused in every
 * spelling; a name that stands nowhere here is refused too.
 * https://www.postgresql.org/docs/current/runtime-config.html
 */
import type { Refusal } from '../statement.ts'

/** What a statement does to one setting: a value, or null for its default. */
export interface SettingChange {
  readonly name: string
  /** Values in order; null = RESET, SET … TO DEFAULT, set_config(…, NULL, …). */
  readonly values: readonly string[] | null
}

const FREE: ReadonlySet<string> = new Set(
  `application_name array_nulls backend_flush_after bytea_output check_function_bodies
  commit_delay commit_siblings constraint_exclusion cpu_index_tuple_cost cpu_operator_cost
  cpu_tuple_cost cursor_tuple_fraction datestyle deadlock_timeout default_statistics_target
  default_text_search_config default_transaction_deferrable default_transaction_isolation
  effective_cache_size effective_io_concurrency escape_string_warning extra_float_digits
  force_parallel_mode debug_parallel_query from_collapse_limit gin_fuzzy_search_limit
  gin_pending_list_limit hash_mem_multiplier icu_validation_level
  idle_in_transaction_session_timeout idle_session_timeout intervalstyle jit jit_above_cost
  jit_inline_above_cost jit_optimize_above_cost join_collapse_limit lc_monetary lc_numeric lc_time
  lock_timeout logical_decoding_work_mem maintenance_io_concurrency maintenance_work_mem
  max_parallel_maintenance_workers max_parallel_workers max_parallel_workers_per_gather
  min_parallel_index_scan_size min_parallel_table_scan_size parallel_leader_participation
  parallel_setup_cost parallel_tuple_cost plan_cache_mode quote_all_identifiers random_page_cost
  recursive_worktable_factor restrict_nonsystem_relation_kind seed seq_page_cost
  statement_timeout synchronize_seqscans tcp_keepalives_count tcp_keepalives_idle
  tcp_keepalives_interval tcp_user_timeout temp_buffers timezone timezone_abbreviations
  transaction_deferrable transaction_isolation transaction_timeout vacuum_cost_delay
  vacuum_cost_limit work_mem xmlbinary xmloption default_table_access_method default_tablespace
  temp_tablespaces`.split(/\s+/),
)

const FREE_PREFIX = /^(enable|geqo)(_|$)/
/** Modules whose settings run code, or send and write more than the statement asks for. */
const MODULES: ReadonlySet<string> = new Set(
  'auto_explain pgaudit plperl plpython plpython3 pltcl pljava plv8 sepgsql'.split(' '),
)
/** Messages below NOTICE carry plans, statements and values of the server's log. */
const QUIET = new Set(['notice', 'warning', 'error'])
const UTF8 = new Set(['utf8', 'unicode'])

/** Null: the session may do it. */
export function judgeSetting(change: SettingChange): Refusal | null {
  return isFree(change.name) ? null : judgeGuarded(change.name.toLowerCase(), change.values)
}

/** Whatever its value is. */
export function isFree(setting: string): boolean {
  const name = setting.toLowerCase()
  if (FREE.has(name) || FREE_PREFIX.test(name)) return true
  return name.includes('.') && !MODULES.has(name.split('.')[0]!)
}

function judgeGuarded(name: string, values: readonly string[] | null): Refusal | null {
  if (name === 'search_path') return judgeSearchPath(values)
  const value = values?.length === 1 ? values[0]!.toLowerCase() : null
  if (name === 'client_encoding') {
    return values === null || (value !== null && UTF8.has(value.replace(/[^a-z0-9]/g, '')))
      ? null
      : refuse(name, 'hoop speaks UTF8 with the target', 'SET client_encoding TO UTF8 is allowed.')
  }
  if (name === 'standard_conforming_strings') {
    return values === null || isOn(value) ? null : refuse(name, 'it must stay on')
  }
  if (name === 'client_min_messages') {
    return values === null || (value !== null && QUIET.has(value))
      ? null
      : refuse(
          name,
          'its messages would carry data past the masks',
          'notice, warning and error are allowed.',
        )
  }
  if (name === 'default_transaction_read_only' || name === 'transaction_read_only') {
    return isOn(value)
      ? null
      : refuse(
          name,
          'writing needs an approval',
          'Send the write itself: it is held for an approver.',
        )
  }
  if (name === 'row_security' && (values === null || isOn(value))) return null
  return refuse(name, 'it is not on the list of settings that a session may move')
}

/** Names before pg_catalog could stand for its functions and operators. */
function judgeSearchPath(values: readonly string[] | null): Refusal | null {
  const schemas = values?.flatMap(splitPath) ?? []
  return schemas.indexOf('pg_catalog') <= 0 && !schemas.slice(1).includes('pg_catalog')
    ? null
    : refuse(
        'search_path',
        'names before pg_catalog would shadow it',
        'Leave pg_catalog out, or put it first.',
      )
}

/** The schemas of one value; quoting as in SplitIdentifierString (varlena.c). */
function splitPath(value: string): string[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .map((part) =>
      part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part.toLowerCase(),
    )
}

/** PostgreSQL takes every prefix of true, yes and on. */
function isOn(value: string | null): boolean {
  if (value === null || value === '') return false
  return value === '1' || value === 'on' || 'true'.startsWith(value) || 'yes'.startsWith(value)
}

function refuse(
  name: string,
  why: string,
  hint = 'Ask an administrator to set it on the target.',
): Refusal {
  return { sqlstate: '42501', message: `hoop: "${name}" may not be set here: ${why}`, hint }
}

export function refuseUnproved(what: string): Refusal {
  return {
    sqlstate: '42501',
    message: `hoop: ${what} may only be called with a constant name and value`,
    hint: 'Write the name and the value as literals.',
  }
}
