import type { FieldDescription, TransactionStatus } from './backend.ts'
import type { BindTail } from './frontend.ts'
import type { Analysis, StatementFacts } from './statement.ts'

/** A row's shape as the target told it, for one result. */
export interface Shape {
  /** RowDescription, whole message. */
  readonly bytes: Buffer
  readonly fields: readonly FieldDescription[]
}

/** One run of one statement: the thread that joins decision, rows, outcome and record. */
export interface Execution {
  /** Counts up within a session. */
  readonly id: number
  /** Null: nobody could parse it. */
  readonly facts: StatementFacts | null
  /** The statement's own text, as the client gave it. */
  readonly text: Buffer
  /** For EXECUTE and FETCH: the text of what they run. */
  readonly underlying: Buffer | null
  readonly parameters: BindTail | null
  /** OIDs of the parameters' types, as far as the client gave them. */
  readonly types: readonly number[]
  shape: Shape | null
  /** The command tag that the client sees, where the sent text would give another. */
  readonly tag: string | null
  /** The request that let it run, if one was needed. */
  request: string | null
  /** Rows that the target says it touched or returned. */
  rows: number | null
  /** The session's own notes, kept here because they live as long; the gate never looks at them. */
  readonly notes: Notes
}

export interface Notes {
  /** The text's number in the record; 0 = none yet. */
  ref: number
  /** By the session's clock, milliseconds. */
  begunAt: number
  /** How its rows are masked. */
  plan: unknown
}

/** What is decided together and, if it needs approval, approved and sent together. */
export interface Unit {
  readonly executions: readonly Execution[]
  /** All of the text, statements between included. */
  readonly text: Buffer
  /** The same as the target is sent it. */
  readonly sentText: Buffer
  readonly inTransaction: boolean
  /** The schemas in which names are looked up, in order. */
  readonly searchPath: readonly string[]
  /** True: data of COPY FROM STDIN is spooled and part of what is decided. */
  readonly spooled: boolean
}

/** What an open transaction sees of the catalogue, row by row, as it was asked for; by identity. */
export type Inside = readonly string[]

export type Question =
  | {
      readonly kind: 'analyse'
      readonly text: Buffer
      readonly searchPath: readonly string[]
      readonly inside: Inside | null
    }
  /** `dry`: only say what would be decided; ask nobody. */
  | { readonly kind: 'judge'; readonly unit: Unit; readonly dry: boolean }

/** Answers to `judge` come once, or twice: `held` first, then what was decided. */
export type Answer =
  | { readonly kind: 'analysis'; readonly analysis: Analysis }
  | { readonly kind: 'allow' }
  | {
      readonly kind: 'held'
      readonly request: string
      readonly message: string
      readonly hint: string
    }
  /** `maxRows`: the approver's bound on all rows of the unit together; null = none. */
  | { readonly kind: 'approved'; readonly request: string; readonly maxRows: number | null }
  | {
      readonly kind: 'refused'
      readonly sqlstate: string
      readonly message: string
      readonly hint: string
    }

export type Part = 'whole' | 'first' | 'middle' | 'last'

export type Report =
  /** DataRow messages, `count` of them begin here; or a part of one that is too large to keep. */
  | {
      readonly type: 'rows'
      readonly execution: Execution
      readonly bytes: Buffer
      readonly count: number
      readonly part: Part
    }
  /**
   * All that answers one statement, up to ReadyForQuery. `before` is what the client sees before the
   * rows; `bytes` is all of it in one piece, for when the rows stay as they are.
   */
  | {
      readonly type: 'answer'
      readonly execution: Execution
      readonly bytes: Buffer
      readonly before: number
      /** DataRow messages, `count` of them. */
      readonly rows: Buffer
      readonly count: number
      readonly tag: string
    }
  /** CopyData messages of COPY TO STDOUT, likewise. `done`: CopyDone, with no bytes. */
  | {
      readonly type: 'copy-rows'
      readonly execution: Execution
      readonly bytes: Buffer
      readonly count: number
      readonly part: Part
    }
  | { readonly type: 'copy-done'; readonly execution: Execution }
  /** Data of COPY FROM STDIN that is about to be sent to the target. */
  | { readonly type: 'copied'; readonly execution: Execution; readonly bytes: Buffer }
  | {
      readonly type: 'complete'
      readonly execution: Execution
      readonly tag: string
      readonly bytes: Buffer
    }
  /** ErrorResponse; `visible` false: an answer to the broker's own statement. `own`: made by the gate. */
  | {
      readonly type: 'error'
      readonly execution: Execution | null
      readonly bytes: Buffer
      readonly visible: boolean
      readonly own: boolean
    }
  | { readonly type: 'notice'; readonly execution: Execution | null; readonly bytes: Buffer }
  | { readonly type: 'notification'; readonly execution: Execution | null; readonly bytes: Buffer }
  | {
      readonly type: 'parameter'
      readonly execution: Execution | null
      readonly name: string
      readonly value: string
    }
  /** The transaction in which something was changed is over: what it made is there now, or never. */
  | { readonly type: 'changed' }
  /** What became of an approved unit. */
  | {
      readonly type: 'settled'
      readonly request: string
      readonly status: 'ok' | 'error' | 'unknown'
      readonly sqlstate: string | null
      readonly rows: number | null
    }

export type { TransactionStatus }
