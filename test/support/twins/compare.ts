import { BACKEND_RULES, decodeErrorFields } from '../../../protocol/pg/backend.ts'
import { Framer } from '../../../protocol/pg/framer.ts'
import { bindTail, type Exchange, type RawClient, type SessionStack } from '../sessions.ts'
import type { Program, Say } from './programs.ts'
import { SIDES, type Side, type World } from './values.ts'

/** Two sessions, one before each twin: whatever is said to both must have one answer. */
export class Pair {
  readonly counts = new Map<string, number>()
  readonly #stack: SessionStack
  readonly #world: World
  readonly #tidy: () => Promise<void>
  #clients: Readonly<Record<Side, RawClient>> | null = null

  /** `tidy` runs after programs that wrote. */
  constructor(stack: SessionStack, world: World, tidy: () => Promise<void>) {
    this.#tidy = tidy
    this.#stack = stack
    this.#world = world
  }

  /** Throws where a client could tell one database from the other. */
  async run(program: Program): Promise<void> {
    const clients = this.#clients ?? (await this.#open())
    this.#clients = clients
    let status: string | null = 'I'
    for (const one of program) {
      const [left, right] = await Promise.all([
        answer(clients.left, one),
        answer(clients.right, one),
      ])
      if (seen(left) !== seen(right)) {
        this.#forget()
        throw new Error(difference(program, one, left, right))
      }
      this.#count(left, clients.left)
      status = left.status
      if (left.held !== null || left.closed) break
    }
    if (status === null) this.#forget()
    else if (status !== 'I') for (const side of SIDES) await clients[side].query('ROLLBACK')
    if (program.some(({ writes }) => writes)) await this.#tidy()
  }

  async #open(): Promise<Readonly<Record<Side, RawClient>>> {
    const [left, right] = await Promise.all(SIDES.map((side) => this.#client(side)))
    return { left: left!, right: right! }
  }

  async #client(side: Side): Promise<RawClient> {
    const client = await this.#stack.client(`${side}_${this.#world}`)
    await client.take()
    await client.query(`SET statement_timeout = '20s'; SET TIME ZONE 'UTC'`)
    return client
  }

  #forget(): void {
    for (const side of SIDES) this.#clients?.[side].vanish()
    this.#clients = null
  }

  #count(got: Exchange, client: RawClient): void {
    if (client.plans.splice(0).some((plan) => plan.masked.includes(true))) this.#add('masked')
    const why = got.errors[0]
    const kind =
      got.held !== null
        ? 'held'
        : got.closed
          ? 'closed'
          : why === undefined
            ? 'answered'
            : `${why.has('R') ? 'failed' : 'refused'} ${why.get('C')}`
    this.#add(kind)
  }

  #add(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
  }
}

async function answer(client: RawClient, said: Say): Promise<Exchange> {
  if (said.kind === 'query') return await client.query(said.sql)
  if (said.kind === 'portals') return await inTurn(client, said.sql, said.binary)
  const { sql, values, binary, rows } = said
  client.send((writer) => {
    writer.parse('', Buffer.from(sql), Buffer.alloc(0)).bind('', '', bindTail(values, binary))
    writer.describe('portal', '').execute('', rows)
    if (rows > 0) writer.execute('', rows).execute('', 0)
    writer.sync()
  })
  return await client.take()
}

async function inTurn(
  client: RawClient,
  [first, second]: readonly [string, string],
  binary: boolean,
): Promise<Exchange> {
  const none = Buffer.alloc(0)
  client.send((writer) => {
    writer.parse('a', Buffer.from(first), none).bind('p', 'a', bindTail([], binary))
    writer.parse('b', Buffer.from(second), none).bind('q', 'b', bindTail([], !binary))
    writer.describe('statement', 'a').describe('portal', 'q')
    writer.execute('p', 1).execute('q', 2).execute('p', 1).execute('q', 0).execute('p', 0)
    writer.closeObject('statement', 'a').closeObject('statement', 'b').sync()
  })
  const got = await client.take()
  if (got.errors.length > 0) await client.query('DEALLOCATE ALL')
  return got
}

/**
 * All that the client sees, as text. Names of requests are the broker's, and random. Of hashes it
 * shows which are equal, not what they are.
 */
function seen({ bytes, closed, held }: Exchange): string {
  const hashes = new Map<string, number>()
  const text = bytes
    .toString('latin1')
    .replaceAll(/(?<![0-9a-f])[0-9a-f]{16}(?![0-9a-f])/g, (hash) => {
      const number = hashes.get(hash) ?? hashes.size
      hashes.set(hash, number)
      return `#${number}`
    })
  return `${closed} ${held === null ? text : text.replaceAll(/r-[0-9a-z]{10}/g, 'r-')}`
}

function difference(program: Program, at: Say, left: Exchange, right: Exchange): string {
  const lines = program.map((one) => `${one === at ? '>' : ' '} ${JSON.stringify(one)}`)
  const [a, b] = [decoded(left), decoded(right)]
  const first = a.findIndex((line, index) => line !== b[index])
  const from = Math.max(first === -1 ? b.length - 1 : first, 0)
  return [
    'the answers differ:',
    ...lines,
    `after ${from} messages that are the same`,
    ...a.slice(from, from + 4).map((line) => `left:  ${line}`),
    ...b.slice(from, from + 4).map((line) => `right: ${line}`),
  ].join('\n')
}

function decoded({ bytes, closed }: Exchange): string[] {
  const framer = new Framer({ ...BACKEND_RULES, stream: new Set() })
  framer.push(bytes)
  const lines: string[] = []
  for (let frame = framer.next(); frame !== null; frame = framer.next()) {
    const type = String.fromCharCode(frame.type)
    const isReport = type === 'E' || type === 'N'
    lines.push(
      isReport
        ? `${type} ${JSON.stringify([...decodeErrorFields(frame.bytes)])}`
        : `${type} ${JSON.stringify(frame.bytes.subarray(5).toString('latin1'))}`,
    )
  }
  return closed ? [...lines, 'closed'] : lines
}
