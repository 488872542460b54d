/** What the analyst and its workers say to each other beside the ring (ring.ts). */
import type { Catalogue } from '../../protocol/pg/catalogue.ts'
import type { Inside } from '../../protocol/pg/execution.ts'
import type { RingMemory } from './ring.ts'

export interface WorkerData {
  readonly ring: RingMemory
}

/** After it the ring's `news` is rung. `inside`: what a transaction sees, until it is forgotten. */
export type ToWorker =
  | { readonly type: 'catalogue'; readonly catalogue: Catalogue }
  | { readonly type: 'inside'; readonly id: number; readonly inside: Inside }
  | { readonly type: 'forget'; readonly id: number }

/**
 * ready: it can be asked; look: answers are in the ring; large: an answer that did not fit into it,
 * as JSON; spent: it must not be asked again (after its last answer).
 */
export type FromWorker =
  | { readonly type: 'ready' | 'look' | 'spent' }
  | { readonly type: 'large'; readonly answer: string }

/** What a text is judged by, beside the catalogue. */
export interface Topic {
  /** Number of an inside; 0 = what everybody sees. */
  readonly inside: number
  readonly path: readonly string[]
}

/** PostgreSQL's names hold no zero byte. */
export function encodeTopic({ inside, path }: Topic): string {
  return [inside, ...path].join('\0')
}

export function decodeTopic(topic: string): Topic {
  const [inside, ...path] = topic.split('\0')
  return { inside: Number(inside), path }
}
