import {
  type PostgresOptions,
  type RunningPostgres,
  startPostgres as start,
} from '../../broker/demo/postgres.ts'

export type { PostgresOptions, RunningPostgres } from '../../broker/demo/postgres.ts'

/** The programs of another major version: test/versions.ts says which. */
const PROGRAMS = process.env['TEST_POSTGRES']

/** A cluster that initdb has made, and its superuser's password. */
export interface Template {
  readonly folder: string
  readonly password: string
}

/** Given by the whole run (global-setup.ts); a file that runs alone has none. */
export function templateOfRun(): Template | null {
  const [folder, password] = [process.env[TEMPLATE.folder], process.env[TEMPLATE.password]]
  return folder === undefined || password === undefined ? null : { folder, password }
}

export const TEMPLATE = {
  folder: 'TEST_POSTGRES_TEMPLATE',
  password: 'TEST_POSTGRES_TEMPLATE_PASSWORD',
} as const

/** Each test file starts its own server: no shared state, nothing left behind. */
export function startPostgres(options: PostgresOptions = {}): Promise<RunningPostgres> {
  const all = { ...options, ...(PROGRAMS === undefined ? {} : { programs: PROGRAMS }) }
  const template = fits(options) ? templateOfRun() : null
  if (template === null) return start(all)
  return start({ ...all, template: template.folder, password: template.password })
}

function fits({ superuser, password, auth }: PostgresOptions): boolean {
  return superuser === undefined && password === undefined && auth === undefined
}
