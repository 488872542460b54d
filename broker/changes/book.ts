import { createHash } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import { type Config, type ConnectionConfig, connectionOf, readConnection } from '../config.ts'
import { canonical } from '../policy/canonical.ts'
import { FaultyFile } from '../policy/document.ts'
import { parsePolicy } from '../policy/parse.ts'
import type { Policy } from '../policy/policy.ts'
import type { ChangeKind, Store, Version } from '../store/store.ts'
import { authorsOf, nextAuthors } from './authors.ts'
import type { InForce, Rules } from './in-force.ts'

export interface BookParts {
  readonly config: Config
  readonly store: Pick<Store, 'versions'>
  readonly now: () => number
  /** Records that a version comes into force; throws if that cannot be recorded. */
  readonly record: (version: Version) => void
  /** A sealed secret, at each login anew. */
  readonly secret: (name: string) => Promise<string>
}

/** All that is in force, by version. It is the store's; what stands here is what was read from it. */
export class Book implements InForce {
  readonly #parts: BookParts
  readonly #latest = new Map<string, Version>()
  #rules: Rules
  #connections: readonly ConnectionConfig[]

  private constructor(parts: BookParts, versions: readonly Version[]) {
    this.#parts = parts
    for (const version of versions) this.#latest.set(keyOf(version), version)
    const policies = versions.filter(({ kind }) => kind === 'policy')
    const read = policies.map((version) => ({ ...version, policy: this.#policyOf(version) }))
    const last = read.at(-1)!
    const { number: version, digest, policy } = last
    this.#rules = { version, digest, policy, authors: authorsOf(read) }
    this.#connections = this.#allConnections()
  }

  /** At the very first start the policy of the configuration file becomes version 1. */
  static async open(parts: BookParts): Promise<Book> {
    const { store, config, now, record } = parts
    const versions = await store.versions.all()
    if (versions.some(({ kind }) => kind === 'policy')) return new Book(parts, versions)
    const first = firstVersion(config.policyText, Math.floor(now()))
    record(first)
    await store.versions.begin(first)
    return new Book(parts, [...versions, first])
  }

  rules(): Rules {
    return this.#rules
  }

  connections(): readonly ConnectionConfig[] {
    return this.#connections
  }

  /** The one in force; null: there never was one. */
  latest(kind: ChangeKind, name: string): Version | null {
    return this.#latest.get(keyOf({ kind, name })) ?? null
  }

  /** The last version of each of them, by name. */
  all(wanted: ChangeKind): readonly Version[] {
    const found = [...this.#latest.values()].filter(({ kind }) => kind === wanted)
    return found.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** The configuration file says something else than what is in force. */
  get fileDiffers(): boolean {
    return canonical(this.#parts.config.policy) !== canonical(this.#rules.policy)
  }

  /** It is in the store, and in force from now on. */
  take(version: Version): void {
    this.#latest.set(keyOf(version), version)
    if (version.kind === 'policy') this.#takePolicy(version)
    if (version.kind === 'connection') this.#connections = this.#allConnections()
  }

  /** Those of the configuration file, as it has them, and those that came through hoop. */
  #allConnections(): readonly ConnectionConfig[] {
    const { config } = this.#parts
    const added = [...this.#latest.values()].filter(({ kind }) => kind === 'connection')
    const own = added.filter(({ name }) => !config.connections.some((one) => one.name === name))
    const all = [...config.connections, ...own.map((version) => this.#connectionOf(version))]
    return all.map((connection) => this.#opened(connection))
  }

  #connectionOf({ name, number, body }: Version): ConnectionConfig {
    const { config } = this.#parts
    const absolute = (path: string) => resolve(dirname(config.file), path)
    const { raw, faults } = readConnection(body, `connection ${name} version ${number}`, null)
    if (raw === null) throw new FaultyFile('bad_connection', faults)
    return connectionOf(raw, { absolute, environment: {} })
  }

  #opened(connection: ConnectionConfig): ConnectionConfig {
    const { secret, ...target } = connection.target
    if (secret === null) return connection
    return {
      ...connection,
      target: { ...target, secret, password: () => this.#parts.secret(secret) },
    }
  }

  #takePolicy(version: Version): void {
    const policy = this.#policyOf(version)
    const { authors, number, digest } = version
    const before = this.#rules
    const known = nextAuthors(before.authors, before.policy, { policy, authors })
    this.#rules = { version: number, digest, policy, authors: known }
  }

  /** A text that is the file's own has its places there. */
  #policyOf({ body, number }: Version): Policy {
    const { policy, policyText } = this.#parts.config
    if (body === policyText) return policy
    try {
      return parsePolicy(body, `policy version ${number}`)
    } catch (error) {
      if (error instanceof FaultyFile) throw unreadable(number, error)
      throw error
    }
  }
}

export function digestOfText(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function keyOf({ kind, name }: Pick<Version, 'kind' | 'name'>): string {
  return `${kind} ${name}`
}

function firstVersion(body: string, at: number): Version {
  const digest = digestOfText(body)
  return { kind: 'policy', name: '', number: 1, body, digest, request: null, authors: [], at }
}

function unreadable(number: number, cause: FaultyFile): HoopError {
  return new HoopError({
    code: 'policy_unreadable',
    message: `Version ${number} of the policy, which is in force, cannot be read by this hoop: ${cause.message}`,
    hint: 'Start the hoop that it was applied with, and apply a policy that both can read.',
    exit: EXIT.usage,
    cause,
  })
}
