import { after, before } from 'node:test'
import pg from 'pg'
import type { FrontendWriter } from '../../protocol/pg/frontend.ts'
import { type RunningPostgres, startPostgres } from './postgres.ts'
import { type Exchange, type RawClient, SessionStack, type StackOptions } from './sessions.ts'

/** One raw client at a whole session, and a superuser who looks behind it. */
export interface OneSession {
  readonly server: RunningPostgres
  readonly admin: pg.Client
  readonly stack: SessionStack
  readonly client: RawClient
  /** Sends, and gives what comes. */
  say(write: (writer: FrontendWriter) => void): Promise<Exchange>
}

/** For the suite that it is called in: `setup` makes the login `app`, as which the broker comes. */
export function oneSession(
  setup: string,
  options: Pick<StackOptions, 'mask' | 'policy' | 'fs'>,
): OneSession {
  const made: { -readonly [Key in keyof OneSession]?: OneSession[Key] } = {
    say: async (write) => {
      const { client } = made as OneSession
      client.send(write)
      return await client.take()
    },
  }
  before(async () => {
    const server = await startPostgres()
    made.server = server
    made.admin = new pg.Client(server.url())
    await made.admin.connect()
    await made.admin.query(setup)
    const way = { postgres: server, user: 'app', password: 'app' }
    made.stack = await SessionStack.open({ ...way, databases: ['postgres'], ...options })
    made.client = await made.stack.client('postgres')
    await made.client.take()
  })
  after(async () => {
    await made.stack?.close()
    await made.admin?.end()
    await made.server?.stop()
  })
  return made as OneSession
}
