/**
 * Functions of pg_catalog that volatility alone judges wrongly, for PostgreSQL 13 to 18: every
 * VOLATILE function of each was gone through (test/fixtures/volatile.tsv). A VOLATILE function of pg_catalog that stands nowhere here is a write.
 */
import type { StatementClass } from '../statement.ts'

/** VOLATILE, but changes nothing outside of the statement. */
export const HARMLESS_VOLATILE: ReadonlySet<string> = new Set(
  `amvalidate array_sample array_shuffle clock_timestamp current_query currtid currtid2 currval
  gen_random_uuid lastval lo_close lo_get lo_lseek lo_lseek64 lo_tell lo_tell64 loread
  pg_available_wal_summaries pg_blocking_pids pg_collation_actual_version
  pg_control_checkpoint pg_control_init pg_control_recovery pg_control_system
  pg_current_wal_flush_lsn pg_current_wal_insert_lsn pg_current_wal_lsn pg_current_logfile
  pg_database_collation_actual_version pg_database_size pg_get_aios
  pg_get_backend_memory_contexts pg_get_loaded_modules pg_get_multixact_members
  pg_get_sequence_data pg_get_shmem_allocations pg_get_shmem_allocations_numa
  pg_get_wait_events pg_get_wal_replay_pause_state pg_get_wal_resource_managers
  pg_get_wal_summarizer_state pg_indexes_size pg_is_in_backup pg_is_in_recovery
  pg_is_wal_replay_paused pg_isolation_test_session_is_blocked pg_jit_available
  pg_last_committed_xact pg_last_wal_receive_lsn pg_last_wal_replay_lsn
  pg_last_xact_replay_timestamp pg_lock_status pg_notification_queue_usage
  pg_partition_ancestors pg_partition_tree pg_prepared_xact pg_relation_size
  pg_replication_origin_progress pg_replication_origin_session_is_setup
  pg_safe_snapshot_blocking_pids pg_sequence_last_value pg_show_replication_origin_status
  pg_sleep pg_sleep_for pg_sleep_until pg_stat_get_backend_io pg_stat_get_backend_wal
  pg_stat_get_io pg_stat_get_recovery_prefetch pg_stat_get_xact_blocks_fetched
  pg_stat_get_xact_blocks_hit pg_stat_get_xact_function_calls
  pg_stat_get_xact_function_self_time pg_stat_get_xact_function_total_time
  pg_stat_get_xact_numscans pg_stat_get_xact_tuples_deleted pg_stat_get_xact_tuples_fetched
  pg_stat_get_xact_tuples_hot_updated pg_stat_get_xact_tuples_inserted
  pg_stat_get_xact_tuples_newpage_updated pg_stat_get_xact_tuples_returned
  pg_stat_get_xact_tuples_updated pg_stat_have_stats pg_table_size pg_tablespace_size
  pg_total_relation_size pg_wal_summary_contents pg_xact_commit_timestamp
  pg_xact_commit_timestamp_origin pg_xact_status random random_normal timeofday timezone txid_status
  uuidv4 uuidv7`.split(/\s+/),
)

/** They move the state of this session alone, and nothing that hoop guards. */
const SESSION = `pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared
  pg_stat_clear_snapshot pg_stat_force_next_flush setseed`

/** They run the server, or read and write its files, whatever their volatility says. */
const ADMIN = `lo_export lo_import pg_advisory_lock pg_advisory_lock_shared pg_advisory_xact_lock
  pg_advisory_xact_lock_shared pg_backup_start pg_backup_stop pg_cancel_backend
  pg_clear_attribute_stats pg_clear_relation_stats pg_copy_logical_replication_slot
  pg_copy_physical_replication_slot pg_create_logical_replication_slot
  pg_create_physical_replication_slot pg_create_restore_point pg_drop_replication_slot
  pg_export_snapshot pg_extension_config_dump pg_hba_file_rules pg_ident_file_mappings
  pg_import_system_collations pg_log_backend_memory_contexts pg_log_standby_snapshot
  pg_logical_emit_message pg_logical_slot_get_binary_changes pg_logical_slot_get_changes
  pg_logical_slot_peek_binary_changes pg_logical_slot_peek_changes pg_ls_archive_statusdir
  pg_ls_dir pg_ls_logdir pg_ls_logicalmapdir pg_ls_logicalsnapdir pg_ls_replslotdir
  pg_ls_summariesdir pg_ls_tmpdir pg_ls_waldir pg_nextoid pg_promote pg_read_binary_file
  pg_read_file pg_read_file_old pg_reload_conf pg_replication_origin_advance
  pg_replication_origin_create pg_replication_origin_drop pg_replication_origin_session_progress
  pg_replication_origin_session_reset pg_replication_origin_session_setup
  pg_replication_origin_xact_reset pg_replication_origin_xact_setup
  pg_replication_slot_advance pg_restore_attribute_stats pg_restore_relation_stats
  pg_rotate_logfile pg_rotate_logfile_old pg_show_all_file_settings pg_start_backup
  pg_stat_file pg_stat_reset pg_stat_reset_backend_stats pg_stat_reset_replication_slot
  pg_stat_reset_shared pg_stat_reset_single_function_counters
  pg_stat_reset_single_table_counters pg_stat_reset_slru pg_stat_reset_subscription_stats
  pg_stop_backup pg_stop_making_pinned_objects pg_switch_wal pg_sync_replication_slots
  pg_terminate_backend pg_try_advisory_lock pg_try_advisory_lock_shared
  pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared pg_wal_replay_pause
  pg_wal_replay_resume`

/** They write, whatever their volatility says. */
const WRITE = `brin_desummarize_range brin_summarize_new_values brin_summarize_range
  gin_clean_pending_list lo_creat lo_create lo_from_bytea lo_open lo_put lo_truncate
  lo_truncate64 lo_unlink lowrite nextval pg_notify setval cursor_to_xml cursor_to_xmlschema`

/** Classes that a name alone decides. */
export const CLASS_OF: ReadonlyMap<string, StatementClass> = new Map<string, StatementClass>([
  ...named(SESSION, 'session'),
  ...named(ADMIN, 'admin'),
  ...named(WRITE, 'write'),
])

/** They run the SQL text of their first argument; which one does a constant text say. */
export const RUNS_QUERY: ReadonlySet<string> = new Set([
  'query_to_xml',
  'query_to_xmlschema',
  'query_to_xml_and_xmlschema',
  'ts_stat',
])

/** They read relations that a value names, not the tree. */
export const READS_BY_NAME: ReadonlySet<string> = new Set([
  'table_to_xml',
  'table_to_xmlschema',
  'table_to_xml_and_xmlschema',
  'schema_to_xml',
  'schema_to_xmlschema',
  'schema_to_xml_and_xmlschema',
  'database_to_xml',
  'database_to_xmlschema',
  'database_to_xml_and_xmlschema',
])

/** They make values of a type that a value names: its domain checks run. */
export const MAKES_TYPES: ReadonlySet<string> = new Set(
  `array_in array_recv domain_in domain_recv multirange_in multirange_recv pg_input_error_info
  pg_input_is_valid range_in range_recv record_in record_recv`.split(/\s+/),
)

/** They fill a composite value from text: domain checks of its columns run. */
export const FILLS_RECORDS: ReadonlySet<string> = new Set([
  'json_populate_record',
  'json_populate_recordset',
  'jsonb_populate_record_valid',
  'jsonb_populate_record',
  'jsonb_populate_recordset',
  'populate_record',
])

/**
 * Their result may be any value of the database. Columns where the function returns several: null
 * = all of them.
 */
export const OPAQUE: ReadonlyMap<string, readonly string[] | null> = new Map<
  string,
  readonly string[] | null
>([
  ...[...RUNS_QUERY, ...READS_BY_NAME].map((name): [string, null] => [name, null]),
  ['cursor_to_xml', null],
  ['cursor_to_xmlschema', null],
  ['lo_get', null],
  ['loread', null],
  ['pg_read_file', null],
  ['pg_read_binary_file', null],
  ['pg_stat_get_backend_activity', null],
  ['pg_stat_get_activity', ['query']],
  ['pg_prepared_statement', ['statement']],
  ['pg_cursor', ['statement']],
  ['pg_logical_slot_get_changes', null],
  ['pg_logical_slot_peek_changes', null],
  ['pg_logical_slot_get_binary_changes', null],
  ['pg_logical_slot_peek_binary_changes', null],
])

/** Columns of catalogues that keep samples or pieces of the values of all tables. */
export const OPAQUE_COLUMNS: ReadonlyMap<string, RegExp> = new Map([
  ['pg_statistic', /^stavalues[0-9]$/],
  ['pg_statistic_ext_data', /^stxdmcv$|^stxdexpr$/],
  ['pg_largeobject', /^data$/],
])

/** What PostgreSQL makes with each range type, by the name of the C code. */
export const CONSTRUCTORS: ReadonlySet<string> = new Set(
  `range_constructor2 range_constructor3 multirange_constructor0 multirange_constructor1
  multirange_constructor2`.split(/\s+/),
)

/** Extensions whose functions are as good as their volatility; others are code of users. */
export const TRUSTED_EXTENSIONS: ReadonlySet<string> = new Set(
  `btree_gin btree_gist citext cube dict_int dict_xsyn earthdistance fuzzystrmatch hstore intarray
  isn lo ltree pg_stat_statements pg_trgm pgcrypto plpgsql postgres_fdw file_fdw seg sslinfo
  tablefunc tsm_system_rows tsm_system_time unaccent uuid-ossp xml2 adminpack dblink pageinspect
  pg_surgery postgis vector`.split(/\s+/),
)

/** Functions of those extensions that volatility alone judges wrongly. */
export const EXTENSION_CLASS: ReadonlyMap<string, StatementClass | 'harmless'> = new Map<
  string,
  StatementClass | 'harmless'
>([
  ...named('crosstab crosstab2 crosstab3 crosstab4 crosstabN connectby xpath_table', 'write'),
  ...named(
    `get_raw_page bt_page_items bt_page_stats bt_metap bt_multi_page_stats heap_page_items
    heap_page_item_attrs page_header page_checksum fsm_page_contents brin_page_items
    brin_metapage_info brin_revmap_data brin_page_type gin_metapage_info gin_page_opaque_info
    gin_leafpage_items gist_page_items gist_page_items_bytea gist_page_opaque_info hash_page_type
    hash_page_stats hash_page_items hash_bitmap_info hash_metapage_info tuple_data_split
    heap_force_kill heap_force_freeze pg_file_write pg_file_read pg_file_rename pg_file_unlink
    pg_file_sync pg_file_length pg_logdir_ls pg_stat_statements_reset postgres_fdw_disconnect
    postgres_fdw_disconnect_all`,
    'admin',
  ),
  ...named(
    `gen_random_bytes gen_random_uuid gen_salt uuid_generate_v1 uuid_generate_v1mc
    uuid_generate_v4 normal_rand pg_stat_statements pg_stat_statements_info
    postgres_fdw_get_connections`,
    'harmless',
  ),
])

function named<T extends string>(names: string, value: T): [string, T][] {
  return names
    .split(/\s+/)
    .filter((name) => name !== '')
    .map((name) => [name, value])
}
