/** What the analyst and its workers say to each other beside the ring (ring.ts). */
import type { Catalogue } from '../../protocol/pg/catalogue.ts'
import type { RingMemory } from './ring.ts'

export interface WorkerData {
  readonly ring: RingMemory
}

/** After it the ring's `news` is rung. */
export interface ToWorker {
  readonly catalogue: Catalogue
}

/**
 * ready: it can be asked; look: answers are in the ring; large: an answer that did not fit into it,
 * as JSON; spent: it must not be asked again (after its last answer).
 */
export type FromWorker =
  | { readonly type: 'ready' | 'look' | 'spent' }
  | { readonly type: 'large'; readonly answer: string }

/** Schemas in a topic; PostgreSQL's names hold no zero byte. */
export function encodePath(path: readonly string[]): string {
  return path.join('\0')
}

export function decodePath(topic: string): string[] {
  return topic === '' ? [] : topic.split('\0')
}
