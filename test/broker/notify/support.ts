import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { NotifyConfig } from '../../../broker/config.ts'
import type { RequestRecord } from '../../../broker/store/store.ts'

export interface Heard {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A receiver on loopback that answers as it is told, and says 200 when it was told nothing. */
export class Receiver {
  readonly heard: Heard[] = []
  readonly next: ((response: ServerResponse) => void)[] = []
  readonly #server: Server
  /** How many were being answered at once, at most. */
  most = 0
  #now = 0

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(): Promise<Receiver> {
    const server = createServer()
    const receiver = new Receiver(server)
    server.on('request', (request, response) => {
      receiver.most = Math.max(receiver.most, ++receiver.#now)
      response.on('close', () => receiver.#now--)
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        receiver.heard.push({ headers: request.headers, body: Buffer.concat(parts).toString() })
        const answer = receiver.next.shift() ?? ((to: ServerResponse) => void to.end('ok'))
        answer(response)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return receiver
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hooks/T0PSECRET`
  }

  /** `request.event` of each call, in the order in which they came. */
  get events(): string[] {
    return this.heard.map(({ body }) => {
      const { request, event } = JSON.parse(body)
      return `${request} ${event}`
    })
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

export const answers =
  (status: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse): void =>
    void response.writeHead(status, headers).end()

export function endpoint(url: string, more: Partial<NotifyConfig> = {}): NotifyConfig {
  return {
    ...{ name: 'ops', format: 'json', url: () => url, secret: () => 'the key' },
    ...{ events: null, connections: null, statements: 'without_values' },
    ...more,
  }
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(5)
}

const person = (subject: string) => ({
  ...{ issuer: 'idp', subject, email: `${subject}@example.test`, groups: ['engineers'] },
  ...{ keys: [`account:idp ${subject}`], machine: false },
})

export function record(more: Partial<RequestRecord> = {}): RequestRecord {
  return {
    ...{ id: 'r-0000000001', kind: 'statement', session: 's-0000000001', state: 'pending' },
    ...{ requester: person('alice'), connection: 'pg-prod', database: 'app', parameters: [] },
    ...{ statement: 'DELETE FROM orders WHERE id = 7', class: 'write', effect: 'DELETE on orders' },
    ...{
      digest: 'a'.repeat(64),
      size: 31,
      reason: null,
      inTransaction: false,
      facts: [],
      tail: null,
    },
    ...{
      needs: [{ group: 'dba', count: 1 }],
      alternatives: [],
      opens: [],
      separate: [],
      rule: { labels: [], authors: [] },
      spool: null,
      decisions: [],
      questions: [],
      outcome: null,
    },
    policyVersion: 1,
    ...{ createdAt: 1_000_000, expiresAt: 2_000_000 },
    history: [{ state: 'pending', at: 1_000_000, until: 2_000_000, by: null, why: null }],
    ...more,
  }
}
