/** Each test file starts its own server: 0.7 s, no shared state, nothing left behind. */
export {
  type PostgresOptions,
  type RunningPostgres,
  startPostgres,
} from '../../broker/demo/postgres.ts'
