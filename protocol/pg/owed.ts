import type { Execution, Shape } from './execution.ts'

/**
 * What the target still owes: one entry for each message that was sent and is answered, in order.
 * `visible` answers go to the client, others end here.
 */
export type Expectation =
  | {
      readonly kind: 'parse' | 'bind' | 'close'
      readonly visible: boolean
      /** The client sees an error although it does not see the answer. */
      readonly errors?: boolean
      readonly done: () => void
      readonly failed?: () => void
    }
  | {
      readonly kind: 'describe'
      readonly visible: boolean
      readonly errors?: boolean
      /** For a statement ParameterDescription comes first; shown unless a portal was asked for. */
      readonly what: 'statement' | 'portal' | 'statement-as-portal'
      /** For `statement-as-portal`: the formats that Bind asked for. */
      readonly formats: readonly number[]
      readonly done: (shape: Shape | null) => void
    }
  | {
      readonly kind: 'execute'
      readonly visible: boolean
      /** The client sees an error although it does not see the completion. */
      readonly errors?: boolean
      readonly execution: Execution
      /** The rows' shape, known when the first one comes. */
      readonly shape: () => Shape | null
      readonly done: (tag: string | null) => void
    }
  | { readonly kind: 'sync' }
  | {
      readonly kind: 'query'
      readonly visible: boolean
      readonly executions: readonly Execution[]
      /** Tells which statement of the query ended, and how. */
      readonly done: (index: number, tag: string) => void
    }
  /** The gate's own answer to the client, in its place among the target's. */
  | { readonly kind: 'local'; readonly bytes: Buffer; readonly done: () => void }

/** First in, first out, without moving what is in it. */
export class Owed {
  private items: Expectation[] = []
  private at = 0

  get first(): Expectation | undefined {
    return this.items[this.at]
  }

  push(item: Expectation): void {
    this.items.push(item)
  }

  shift(): void {
    this.at++
    if (this.at < this.items.length) return
    this.items.length = 0
    this.at = 0
  }

  *[Symbol.iterator](): Generator<Expectation> {
    for (let i = this.at; i < this.items.length; i++) yield this.items[i] as Expectation
  }
}

export function isVisible(expectation: Expectation): boolean {
  if (expectation.kind === 'local' || expectation.kind === 'sync' || expectation.visible)
    return true
  return 'errors' in expectation && expectation.errors === true
}
