import { setTimeout as pause } from 'node:timers/promises'
import { BrokerApi } from '../../cli/broker-api.ts'
import { Profile } from '../../cli/local/profile.ts'
import type { Person } from './demo.ts'

interface Pending {
  readonly id: string
  readonly digest: string
}

/** Somebody who approves all that comes, so that a client can be driven through many writes. */
export class Approver {
  readonly #api: BrokerApi
  readonly #approved: string[] = []
  readonly #done: Promise<void>
  #stopped = false

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
    return this.#approved.splice(0).length
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#done
  }

  async #run(): Promise<void> {
    const query = { view: 'inbox' }
    while (!this.#stopped) {
      const waiting = await this.#api.request<Pending[]>('GET', '/v1/requests', { query })
      await Promise.all(waiting.map((request) => this.#approve(request)))
      await pause(40)
    }
  }

  /** What is gone meanwhile (cancelled by its client) needs nobody. */
  async #approve({ id, digest }: Pending): Promise<void> {
    try {
      await this.#api.request('POST', `/v1/requests/${id}/approve`, { body: { digest } })
      this.#approved.push(id)
    } catch (error) {
      if ((error as { code?: string }).code !== 'not_pending') throw error
    }
  }
}
