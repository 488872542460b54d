import { z } from 'zod'
import { BrokerApi } from '../../cli/broker-api.ts'
import { jsonLines } from '../../cli/json-lines.ts'
import { Profile } from '../../cli/local/profile.ts'
import { RequestChange } from '../../protocol/api/requests.ts'
import type { Person } from './demo.ts'

interface Pending {
  readonly id: string
  readonly digest: string
}

const Change = z.union([RequestChange, z.object({ event: z.literal('watching') })])
const INBOX = { view: 'inbox' }

/** Somebody who approves all that comes, so that a client can be driven through many writes. */
export class Approver {
  readonly #api: BrokerApi
  readonly #approved = new Set<string>()
  readonly #done: Promise<void>
  readonly #over = new AbortController()

  private constructor(api: BrokerApi) {
    this.#api = api
    this.#done = this.#run()
  }

  static async start(person: Person): Promise<Approver> {
    process.env['HOOP_KEYCHAIN'] = 'file'
    const profile = await Profile.load(person.name, { HOOP_HOME: person.home })
    return new Approver(await BrokerApi.forProfile(profile))
  }

  /** How many requests it has approved since it was last asked. */
  take(): number {
    const { size } = this.#approved
    this.#approved.clear()
    return size
  }

  async stop(): Promise<void> {
    this.#over.abort()
    await this.#done
  }

  async #run(): Promise<void> {
    const { signal } = this.#over
    try {
      while (!signal.aborted) await this.#watch(signal)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  /** Watches before it looks, so that nothing falls between. */
  async #watch(signal: AbortSignal): Promise<void> {
    const path = '/v1/requests/watch'
    const response = await this.#api.stream('GET', path, { query: INBOX, signal })
    for await (const change of jsonLines(response, Change)) {
      if (change.event === 'watching') await this.#look()
      else if (change.request.state === 'pending') void this.#approve(change.request)
    }
  }

  async #look(): Promise<void> {
    const waiting = await this.#api.request<Pending[]>('GET', '/v1/requests', { query: INBOX })
    await Promise.all(waiting.map((request) => this.#approve(request)))
  }

  /** What is gone meanwhile (cancelled by its client) needs nobody. */
  async #approve({ id, digest }: Pending): Promise<void> {
    this.#approved.add(id)
    try {
      await this.#api.request('POST', `/v1/requests/${id}/approve`, { body: { digest } })
    } catch (error) {
      this.#approved.delete(id)
      if ((error as { code?: string }).code !== 'not_pending') throw error
    }
  }
}
