import { EXIT, HoopError } from '../../protocol/errors.ts'
import type { Proposal, Store, Version } from '../store/store.ts'
import { type KeyEncryption, WrongKey } from './keys.ts'
import { type Place, seal, tryKey, unseal } from './seal.ts'

export interface VaultParts {
  readonly store: Pick<Store, 'versions'>
  /** Null: the configuration names none. */
  readonly keys: KeyEncryption | null
  readonly latest: (name: string) => Version | null
}

/** Secrets at rest. Their values leave it for the login at a target, and for nothing else. */
export class Vault {
  readonly #parts: VaultParts

  private constructor(parts: VaultParts) {
    this.#parts = parts
  }

  /** Throws if what is sealed cannot be opened: the key is missing, or another one. */
  static async open(parts: VaultParts): Promise<Vault> {
    const { store, keys } = parts
    await store.versions.destroyUnused()
    for (const [request, box] of await store.versions.boxes()) {
      if (keys === null) throw noKey('There are sealed secrets')
      const proposal = await store.versions.proposal(request)
      await opening(() => tryKey(keys, placeOf(proposal!, request), box), proposal!.name)
    }
    return new Vault(parts)
  }

  /** For a request that waits: what would come into force, with the value sealed. */
  async propose(name: string, request: string, value: string): Promise<Proposal> {
    const { keys, latest } = this.#parts
    if (keys === null) throw noKey('A secret cannot be kept')
    const base = latest(name)?.number ?? 0
    const { box, mark } = await seal(keys, { name, version: base + 1, request }, value)
    return { kind: 'secret', name, base, body: `${BODY}${mark}`, box }
  }

  /** The value in force, unsealed anew each time; kept nowhere. */
  async read(name: string): Promise<string> {
    const { store, keys, latest } = this.#parts
    const version = latest(name)
    if (version === null) throw missing(name)
    if (keys === null) throw noKey(`The secret ${name} cannot be opened`)
    const request = version.request!
    const proposal = await store.versions.proposal(request)
    const box = proposal?.box ?? null
    if (proposal === null || box === null) throw missing(name)
    const mark = version.body.slice(BODY.length)
    return opening(() => unseal(keys, placeOf(proposal, request), { box, mark }), name)
  }
}

/** What stands for the value in requests, versions and the record. */
const BODY = 'hmac-sha256 '

function placeOf({ name, base }: Proposal, request: string): Place {
  return { name, version: base + 1, request }
}

async function opening<T>(work: () => Promise<T>, name: string): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof WrongKey) throw wrongKey(name, cause)
    throw cause
  }
}

function wrongKey(name: string, cause: WrongKey): HoopError {
  return new HoopError({
    code: 'wrong_key',
    message: `The secret ${name} does not open: ${cause.message}.`,
    hint: 'Give secrets.key the key that it was sealed with. Without that key its value is lost.',
    exit: EXIT.usage,
    cause,
  })
}

function noKey(why: string): HoopError {
  return new HoopError({
    code: 'no_key',
    message: `${why}: the configuration names no key for secrets.`,
    hint: 'Say secrets: { key: { file: PATH } }, or { env: NAME }. Make one: openssl rand -base64 32',
    exit: EXIT.usage,
  })
}

function missing(name: string): HoopError {
  return new HoopError({
    code: 'secret_missing',
    message: `There is no secret ${name} in force.`,
    hint: `hoop secrets set ${name}`,
    exit: EXIT.usage,
  })
}
