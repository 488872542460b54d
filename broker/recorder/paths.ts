import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'

const SESSION_ID = /^s-[0-9a-hjkmnp-tv-z]{10}$/

/** True: the text has the form of a session's id (and is safe in a path). */
export function isSessionId(text: string): boolean {
  return SESSION_ID.test(text)
}

/** Where a session's log is, below data_dir/sessions: `2026-11-22/s-….hoop`. */
export function sessionPath(session: string, startedAt: number): string {
  return `${new Date(startedAt).toISOString().slice(0, 10)}/${session}.hoop`
}

export function sessionsFolder(dataDir: string): string {
  return join(dataDir, 'sessions')
}

export function brokerLogPath(folder: string): string {
  return join(folder, 'index.log')
}

/** Every session's log below the folder, as `2026-11-22/s-….hoop`, oldest day first. */
export function sessionFiles(folder: string): string[] {
  const days = readdirSync(folder, { withFileTypes: true })
    .filter((day) => day.isDirectory())
    .map((day) => day.name)
    .sort()
  return days.flatMap((day) =>
    readdirSync(join(folder, day))
      .filter((name) => name.endsWith('.hoop'))
      .map((name) => `${day}/${name}`),
  )
}

export function sessionOfPath(path: string): string {
  return basename(path, '.hoop')
}
