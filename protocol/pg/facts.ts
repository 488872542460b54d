/**
 * Facts about SQL: from a parse tree and what the target says of itself to what each statement is,
 * may do, reads, writes and returns. Pure: the same input gives the same facts.
 *
 * Three things are kept apart on purpose. Effects (what can it do) come from a walk over every node
 * of the tree, so that nothing hides in a corner that lineage does not know. Lineage (where do
 * values come from) understands the structure, and says "not proved" where it does not. And what
 * has no entry in a table is unknown, never read.
 */
import type { ParseResult } from 'libpg-query'
import type { Catalogue } from './catalogue.ts'
import { setBodyReader } from './facts/bodies.ts'
import { budgetFor, TooManySteps } from './facts/budget.ts'
import { statementFacts } from './facts/classify.ts'
import { memoOf, type Parse, type Scene } from './facts/context.ts'
import { effects } from './facts/effects.ts'
import { tokens } from './facts/lexer.ts'
import { lineage } from './facts/lineage.ts'
import { effectivePath } from './facts/names.ts'
import { child, isTree, list, node, number, type Tree } from './facts/tree.ts'
import type { Analysis, Span, StatementFacts } from './statement.ts'

export type { Parse } from './facts/context.ts'

setBodyReader({ effects, columns: lineage })

/**
 * `text` is the whole text that the tree was made of. `parse` reads the SQL inside of views,
 * functions and strings; without it those are unknown.
 */
export function facts(
  tree: ParseResult,
  text: Buffer,
  catalogue: Catalogue,
  searchPath: readonly string[],
  parse: Parse | null = null,
): Analysis {
  const path = effectivePath(searchPath, catalogue.user)
  const scene: Scene = {
    catalogue,
    path,
    session: path,
    parse,
    memo: memoOf(catalogue),
    depth: 0,
    budget: budgetFor(text.length),
  }
  const source = text.toString('latin1')
  if (catalogue.server < 160000 && hasVerticalTab(source)) {
    const message = 'a vertical tab is white space from PostgreSQL 16 on'
    return { ok: false, reason: 'syntax', message, length: text.length }
  }
  try {
    return { ok: true, statements: statementsOf(tree as Tree, scene, text, source) }
  } catch (error) {
    if (!(error instanceof TooManySteps)) throw error
    return { ok: false, reason: 'limit', message: error.message, length: text.length }
  }
}

function statementsOf(tree: Tree, scene: Scene, text: Buffer, source: string): StatementFacts[] {
  const statements: StatementFacts[] = []
  for (const raw of list(tree, 'stmts')) {
    if (!isTree(raw)) continue
    const root = node(child(raw, 'stmt'))
    if (root !== null) statements.push(statementFacts(scene, root, spanOf(raw, text), source))
  }
  return statements
}

/** Between tokens; inside of strings it is a character. The parser here is the newer one. */
function hasVerticalTab(source: string): boolean {
  if (!source.includes('\v')) return false
  let at = 0
  for (const token of tokens(source, 0, source.length)) {
    if (source.slice(at, token.offset).includes('\v')) return true
    at = token.offset + token.length
  }
  return source.slice(at).includes('\v')
}

/** stmt_len 0 means to the end of the text; offsets are bytes. */
function spanOf(raw: Tree, text: Buffer): Span {
  const offset = number(raw, 'stmt_location')
  const length = number(raw, 'stmt_len')
  return { offset, length: length === 0 ? text.length - offset : length }
}
