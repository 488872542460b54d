/** Functions whose code is PostgreSQL's own, or that of an extension that hoop knows. */
import type { CatalogueFunction } from '../catalogue.ts'
import { CONSTRUCTORS, TRUSTED_EXTENSIONS } from './function-table.ts'

/** Its volatility is as PostgreSQL or a known extension wrote it, and its result is made of its arguments. */
export function isTrusted(fn: CatalogueFunction): boolean {
  return fn.builtin || (fn.extension !== null && TRUSTED_EXTENSIONS.has(fn.extension))
}

/** Its code is PostgreSQL's, and its result is made of its arguments. */
export function isConstructor({ language, body, sets }: CatalogueFunction): boolean {
  return language === 'internal' && !sets && body !== null && CONSTRUCTORS.has(body)
}
