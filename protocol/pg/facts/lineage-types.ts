import { NO_ORIGINS, type Origins } from './origins.ts'

/** What one value is made of. */
export interface Value {
  readonly origins: Origins
  readonly proved: boolean
  readonly plain: boolean
  /** Of composite values, where known: their columns. */
  readonly row: readonly Column[] | null
}

export interface Column extends Value {
  readonly name: string
}

export const CONSTANT: Value = { origins: NO_ORIGINS, proved: true, plain: false, row: null }
export const UNPROVED: Value = { origins: NO_ORIGINS, proved: false, plain: false, row: null }
