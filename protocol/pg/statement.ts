/**
 * What is known of one SQL statement: the vocabulary that classification, policy, masking and the
 * gate share. Values of these types are made by `facts.ts` alone.
 */

export type StatementClass =
  | 'read'
  | 'write'
  | 'ddl'
  | 'admin'
  | 'session'
  | 'transaction'
  | 'unknown'

/** The class of two together: that of which less is known, or by which more is changed. */
export function graver(left: StatementClass, right: StatementClass): StatementClass {
  return GRAVITY.indexOf(right) > GRAVITY.indexOf(left) ? right : left
}

const GRAVITY: readonly StatementClass[] = [
  'read',
  'transaction',
  'session',
  'write',
  'ddl',
  'admin',
  'unknown',
]

/** A column of a relation of the target, by catalogue identity. */
export interface ColumnOrigin {
  /** OID in pg_class. */
  readonly table: number
  /** attnum in pg_attribute; 0 = the whole row. */
  readonly column: number
}

/** Where the values of one output column come from. */
export interface OutputColumn {
  readonly name: string
  /** Every column that the value is made of, through views, subqueries, CTEs and expressions. */
  readonly origins: readonly ColumnOrigin[]
  /** False: the origins could not all be proved; the value may come from anything that is read. */
  readonly proved: boolean
  /** True: the value is one column as it is (aliases and subqueries between do not count). */
  readonly plain: boolean
}

/**
 * How a column decides something that shows although its values do not: which rows come, how many,
 * in which order, or whether the statement fails.
 */
export type PredicateUse =
  /** `=` with a constant or a parameter, IN with constants. */
  | 'equality'
  /** IS NULL, count(x). */
  | 'presence'
  /** Every other condition: WHERE, HAVING, FILTER, LIMIT, a function that returns rows. */
  | 'filter'
  /** ON, USING, NATURAL. */
  | 'join'
  | 'order'
  /** GROUP BY, DISTINCT, PARTITION BY, UNION without ALL, INTERSECT, EXCEPT. */
  | 'group'
  /** A value that is computed from it, which may fail. */
  | 'compute'

/** Column 0: any column of the table; table 0: any value of the database. */
export interface Predicate extends ColumnOrigin {
  readonly use: PredicateUse
  /** Of equality: with how many values it is compared; else 0. */
  readonly guesses: number
}

export interface FunctionUse {
  /** `pg_catalog.lower` */
  readonly name: string
  readonly volatility: 'immutable' | 'stable' | 'volatile' | 'unknown'
  /** True: may run without an approval. */
  readonly harmless: boolean
}

/** What the transaction modes of BEGIN and SET TRANSACTION say; null = not said. */
export interface TransactionModes {
  readonly access: 'read only' | 'read write' | null
  /** The text of the other modes, ready to send: `ISOLATION LEVEL SERIALIZABLE, DEFERRABLE`, `SNAPSHOT '…'`. */
  readonly others: string
}

/** Bytes of the statement's own text (UTF-8), relative to the whole text. */
export interface Span {
  readonly offset: number
  readonly length: number
}

export interface CopyOptions {
  readonly format: 'text' | 'csv' | 'binary'
  readonly delimiter: string
  readonly null: string
  readonly quote: string
  readonly escape: string
  readonly header: boolean
}

/** What the statement does to the conversation itself; the gate keeps its books by it. */
export type Command =
  | { readonly type: 'query' }
  | { readonly type: 'utility'; readonly returnsRows: boolean }
  /** `starts`: spelled START TRANSACTION, which has a tag of its own. */
  | { readonly type: 'begin'; readonly modes: TransactionModes; readonly starts?: true }
  | { readonly type: 'commit'; readonly chain: boolean }
  | { readonly type: 'rollback'; readonly chain: boolean }
  | { readonly type: 'savepoint'; readonly name: string }
  | { readonly type: 'release'; readonly name: string }
  | { readonly type: 'rollback-to'; readonly name: string }
  | { readonly type: 'two-phase'; readonly verb: 'prepare' | 'commit' | 'rollback' }
  | { readonly type: 'set-transaction'; readonly modes: TransactionModes }
  | {
      readonly type: 'prepare'
      readonly name: string
      readonly nameSpan: Span
      readonly inner: StatementFacts
    }
  | {
      readonly type: 'execute'
      readonly name: string
      readonly nameSpan: Span
      readonly explain: 'no' | 'plan' | 'analyze'
    }
  | { readonly type: 'deallocate'; readonly name: string | null; readonly nameSpan: Span | null }
  | {
      readonly type: 'declare'
      readonly name: string
      readonly nameSpan: Span
      readonly inner: StatementFacts
    }
  | {
      readonly type: 'fetch'
      readonly name: string
      readonly nameSpan: Span
      readonly move: boolean
    }
  | { readonly type: 'close'; readonly name: string | null; readonly nameSpan: Span | null }
  | { readonly type: 'copy-in'; readonly columns: number | null; readonly options: CopyOptions }
  | {
      readonly type: 'copy-out'
      readonly options: CopyOptions
      /** A SELECT with the same columns in the same order; its Describe tells the origins. */
      readonly query: string
    }
  | { readonly type: 'set'; readonly name: string; readonly local: boolean }
  | { readonly type: 'show'; readonly name: string }
  | { readonly type: 'discard'; readonly what: 'all' | 'plans' | 'sequences' | 'temp' }

/** Refused whatever policy says, with the answer for the client. */
export interface Refusal {
  /** Five characters. */
  readonly sqlstate: string
  readonly message: string
  readonly hint: string
}

export interface StatementFacts {
  readonly class: StatementClass
  /** The parse tree's node: `UpdateStmt`. */
  readonly node: string
  /** The verb for people: `UPDATE`, `CREATE INDEX`. */
  readonly verb: string
  readonly span: Span
  readonly command: Command
  /** Qualified names of relations, sorted: `public.people`. */
  readonly reads: readonly string[]
  readonly writes: readonly string[]
  /** OIDs of all relations that are read, base tables behind views included. */
  readonly tables: readonly number[]
  /** The relations of `tables` whose rows are read or written: behind views and rules, too. */
  readonly rowsRead: readonly number[]
  readonly rowsWritten: readonly number[]
  /** Columns that are named, or meant by `*`; column 0 = all that the table has. */
  readonly columnsRead: readonly ColumnOrigin[]
  readonly columnsWritten: readonly ColumnOrigin[]
  /** It runs code, or reaches relations, that nobody can name: it may read and write anything. */
  readonly opaque: boolean
  /** False: a part of it is of class unknown, even where the whole has a graver one. */
  readonly understood: boolean
  readonly functions: readonly FunctionUse[]
  /** Functions that views and functions call in turn: qualified names. */
  readonly callsWithin: readonly string[]
  /** UPDATE or DELETE that no column bounds, anywhere in it; TRUNCATE. */
  readonly unbounded: boolean
  /** For ddl: `create`, `alter`, `drop`, …; else null. */
  readonly ddl: string | null
  /** Columns that the statement returns, in order; null = not known (or none). */
  readonly output: readonly OutputColumn[] | null
  /** Of what fills a new table with a query: where its columns come from; null = no such, or not known. */
  readonly fills: readonly OutputColumn[] | null
  /** Columns that decide what shows, and how (WHERE, JOIN, ORDER BY, …). */
  readonly predicates: readonly Predicate[]
  /** Why it has this class, for people: `calls bump(), which is VOLATILE`. */
  readonly why: string
  readonly refusal: Refusal | null
}

/** All that is known of one text: none, one or several statements, or why it has no parse. */
export type Analysis =
  | { readonly ok: true; readonly statements: readonly StatementFacts[] }
  | {
      readonly ok: false
      /** syntax: the parser says no; limit: too large, too deep or too slow; fault: the parser broke */
      readonly reason: 'syntax' | 'limit' | 'fault'
      readonly message: string
      /** Bytes of the whole text. */
      readonly length: number
    }
