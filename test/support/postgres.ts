import {
  type PostgresOptions,
  type RunningPostgres,
  startPostgres as start,
} from '../../broker/demo/postgres.ts'

export type { PostgresOptions, RunningPostgres } from '../../broker/demo/postgres.ts'

/** The programs of another major version: test/versions.ts says which. */
const PROGRAMS = process.env['TEST_POSTGRES']

/** Each test file starts its own server: 0.7 s, no shared state, nothing left behind. */
export function startPostgres(options: PostgresOptions = {}): Promise<RunningPostgres> {
  return start(PROGRAMS === undefined ? options : { ...options, programs: PROGRAMS })
}
