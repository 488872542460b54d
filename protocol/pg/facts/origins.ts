/** Sets of columns, as sorted lists of numbers: small, comparable, and quick to join. */
import type { ColumnOrigin } from '../statement.ts'

/** One column: `table * 4096 + column`; PostgreSQL has at most 1600 columns in a table. */
export type Origin = number
export type Origins = readonly Origin[]

const WIDTH = 4096

export const NO_ORIGINS: Origins = []

/** Table 0, column 0: any value of the database. */
export const ANYTHING: Origins = [0]

export function origin(table: number, column: number): Origin {
  return table * WIDTH + column
}

export function unite(left: Origins, right: Origins): Origins {
  if (right.length === 0 || left === right) return left
  if (left.length === 0) return right
  return merge(left, right)
}

/** A few sets are joined one by one; of many, as in a wide row, that would be quadratic. */
const FEW = 8

export function uniteAll(sets: readonly Origins[]): Origins {
  if (sets.length <= FEW) return sets.reduce(unite, NO_ORIGINS)
  const all = new Set<Origin>()
  for (const set of sets) for (const one of set) all.add(one)
  return all.size === 0 ? NO_ORIGINS : [...all].sort((a, b) => a - b)
}

function merge(left: Origins, right: Origins): Origins {
  const out: Origin[] = []
  let i = 0
  let k = 0
  while (i < left.length || k < right.length) {
    const a = left[i] ?? Number.POSITIVE_INFINITY
    const b = right[k] ?? Number.POSITIVE_INFINITY
    out.push(Math.min(a, b))
    if (a <= b) i++
    if (b <= a) k++
  }
  return out.length === left.length ? left : out
}

export function sameOrigins(left: Origins, right: Origins): boolean {
  return left.length === right.length && left.every((value, index) => value === right[index])
}

export function toOrigins(columns: readonly ColumnOrigin[]): Origins {
  const all = columns.map(({ table, column }) => origin(table, column))
  return [...new Set(all)].sort((a, b) => a - b)
}

export function toColumns(origins: Origins): ColumnOrigin[] {
  return origins.map((key) => ({ table: Math.floor(key / WIDTH), column: key % WIDTH }))
}
