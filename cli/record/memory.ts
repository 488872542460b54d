import { join } from 'node:path'
import { z } from 'zod'
import { readObject, writePrivate } from '../local/home.ts'
import type { Head } from './evidence.ts'

const Kept = z.object({ entries: z.number().int().nonnegative(), hash: z.string(), at: z.string() })

/**
 * Where a broker's log stood when it verified: kept on the auditor's own machine, so that a log
 * that is rolled back or made anew later does not verify, whoever has the broker.
 */
export class RecordMemory {
  readonly #file: string
  readonly #broker: string

  constructor(profileFolder: string, broker: string) {
    this.#file = join(profileFolder, 'record.json')
    this.#broker = broker
  }

  async last(): Promise<Head | null> {
    const kept = Kept.safeParse((await readObject(this.#file))?.[this.#broker])
    if (!kept.success) return null
    const { entries, hash, at } = kept.data
    return { entries, hash, by: `your verification of ${at}` }
  }

  async remember({ entries, hash }: Head, at: string): Promise<void> {
    const all = (await readObject(this.#file)) ?? {}
    const next = { ...all, [this.#broker]: { entries, hash, at } }
    await writePrivate(this.#file, `${JSON.stringify(next, null, 2)}\n`)
  }
}
