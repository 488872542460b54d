import type { RunningPostgres } from '../support/postgres.ts'

/** One way from a client to the same database; every leg is measured with the same load. */
export interface Leg {
  readonly name: string
  /** Ready for clients; a string says why it cannot be measured on this machine. */
  start(target: Target): Promise<RunningLeg | string>
}

export interface Target {
  readonly server: RunningPostgres
  readonly database: string
  /** A role of its own, no superuser. */
  readonly user: string
  readonly password: string
}

export interface RunningLeg {
  /** PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE. */
  readonly env: Readonly<Record<string, string>>
  /** Processes whose CPU time is this leg's own. */
  readonly pids: readonly number[]
  stop(): Promise<void>
}

export function environment(target: Target, port: number): Record<string, string> {
  return {
    PGHOST: '127.0.0.1',
    PGPORT: String(port),
    PGUSER: target.user,
    PGPASSWORD: target.password,
    PGDATABASE: target.database,
  }
}

export const DIRECT: Leg = {
  name: 'direct',
  start: async (target) => ({
    env: environment(target, target.server.port),
    pids: [],
    stop: async () => undefined,
  }),
}
