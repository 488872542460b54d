/** SET, RESET and SHOW. */
import type { Command, Refusal } from '../statement.ts'
import { judgeSetting, type SettingChange } from './settings.ts'
import { modesOf, saysReadWrite, snapshotOf } from './transaction.ts'
import { as, flag, list, literal, node, type Tree, text } from './tree.ts'

export interface SetFacts {
  readonly command: Command
  readonly refusal: Refusal | null
}

const READ_WRITE: Refusal = {
  sqlstate: '42501',
  message: 'hoop: transactions of this session are read only until something is approved',
  hint: 'Send the write itself: it is held for an approver.',
}

/**
 * Letter for letter what clients send, and harmless: pg_dump's only makes reads fail, never see
 * more rows; psycopg2's goes back to what stood in the start-up packet, which is on.
 */
const HONEST: ReadonlySet<string> = new Set([
  'SET row_security = off',
  'SET default_transaction_read_only TO DEFAULT',
])

export function setFacts(body: Tree, source: string): SetFacts {
  const kind = text(body, 'kind')
  const name = text(body, 'name')
  const local = flag(body, 'is_local')
  if (kind === 'VAR_SET_MULTI') return multi(body, name, local)
  if (kind === 'VAR_RESET_ALL')
    return { command: { type: 'set', name: 'all', local }, refusal: null }
  const command: Command = { type: 'set', name: name.toLowerCase(), local }
  if (HONEST.has(source.trim())) return { command, refusal: null }
  return { command, refusal: judge({ name, values: valuesOf(kind, body) }) }
}

function judge(change: SettingChange): Refusal | null {
  return judgeSetting(change)
}

/** null = back to its default. */
function valuesOf(kind: string, body: Tree): string[] | null {
  if (kind !== 'VAR_SET_VALUE') return null
  return list(body, 'args').map((argument) => {
    const found = node(argument)
    const value =
      found?.type === 'TypeCast' ? as(found.body['arg'], 'A_Const') : as(argument, 'A_Const')
    return value === null ? '?' : (literal(value) ?? '?')
  })
}

function multi(body: Tree, name: string, local: boolean): SetFacts {
  const options = list(body, 'args')
  if (name === 'TRANSACTION') {
    return { command: { type: 'set-transaction', modes: modesOf(options) }, refusal: null }
  }
  if (name === 'TRANSACTION SNAPSHOT') {
    return { command: { type: 'set-transaction', modes: snapshotOf(options) }, refusal: null }
  }
  if (name === 'SESSION CHARACTERISTICS') {
    const command: Command = { type: 'set', name: 'session characteristics', local }
    return { command, refusal: saysReadWrite(options) ? READ_WRITE : null }
  }
  return { command: { type: 'set', name: name.toLowerCase(), local }, refusal: null }
}
