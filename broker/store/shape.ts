import { createHash } from 'node:crypto'
import { tokens } from '../../protocol/pg/facts/lexer.ts'
import type { RequestContent } from './store.ts'

/** Longer texts are only like their equals: reading them token by token would take too long. */
const MOST = 64 * 1024

/**
 * What a request has in common with those that differ from it in values, spelling and comments
 * alone: to show an approver what became of its like. Nothing is decided by it.
 */
export function shapeOf({ kind, statement }: Pick<RequestContent, 'kind' | 'statement'>): string {
  const isSql = kind === 'statement' || kind === 'exec'
  const text = isSql && statement.length <= MOST ? skeleton(statement) : statement
  return createHash('sha256')
    .update(`${isSql ? 'sql' : kind}\0${text}`)
    .digest('hex')
}

function skeleton(statement: string): string {
  const source = Buffer.from(statement).toString('latin1')
  const words = tokens(source, 0, source.length).map(({ kind, text }) =>
    kind === 'string' || /^[\d$]/.test(text) ? '?' : text,
  )
  return words.join(' ').replace(/\?(?: \.? ?\?)+/g, '?')
}
