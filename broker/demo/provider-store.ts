interface Entry {
  readonly payload: Payload
  readonly expiresAt: number
}

interface Payload {
  readonly grantId?: string
  readonly uid?: string
  readonly userCode?: string
  consumed?: number
  [member: string]: unknown
}

/**
 * Where oidc-provider keeps codes, grants and sessions, in memory, one store for each provider. (Its own is shared
 * by all providers of a process, forgets the oldest of a thousand entries and warns on the console.)
 */
export function memoryAdapter(): new (model: string) => object {
  const entries = new Map<string, Entry>()
  const alive = (key: string): Payload | undefined => {
    const entry = entries.get(key)
    if (entry === undefined || entry.expiresAt > Date.now()) return entry?.payload
    entries.delete(key)
    return undefined
  }
  return class {
    readonly #model: string

    constructor(model: string) {
      this.#model = model
    }

    async upsert(id: string, payload: Payload, expiresIn?: number): Promise<void> {
      const expiresAt = expiresIn === undefined ? Infinity : Date.now() + expiresIn * 1000
      entries.set(this.#key(id), { payload, expiresAt })
    }

    async find(id: string): Promise<Payload | undefined> {
      return alive(this.#key(id))
    }

    async findByUid(uid: string): Promise<Payload | undefined> {
      return this.#search((payload) => payload.uid === uid)
    }

    async findByUserCode(userCode: string): Promise<Payload | undefined> {
      return this.#search((payload) => payload.userCode === userCode)
    }

    async consume(id: string): Promise<void> {
      const payload = alive(this.#key(id))
      if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000)
    }

    async destroy(id: string): Promise<void> {
      entries.delete(this.#key(id))
    }

    async revokeByGrantId(grantId: string): Promise<void> {
      for (const [key, { payload }] of entries) {
        if (this.#owns(key) && payload.grantId === grantId) entries.delete(key)
      }
    }

    #search(match: (payload: Payload) => boolean): Payload | undefined {
      for (const [key, { payload }] of entries) {
        if (this.#owns(key) && match(payload)) return alive(key)
      }
      return undefined
    }

    #owns(key: string): boolean {
      return key.startsWith(`${this.#model}:`)
    }

    #key(id: string): string {
      return `${this.#model}:${id}`
    }
  }
}
