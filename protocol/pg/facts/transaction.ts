/** Transaction control, and the modes that BEGIN and SET TRANSACTION say. */
import { quoteText } from '../quote.ts'
import type { Command, Refusal, TransactionModes } from '../statement.ts'
import { as, flag, list, literal, type Tree, text } from './tree.ts'

export const CHAIN_REFUSAL: Refusal = {
  sqlstate: '0A000',
  message: 'hoop: AND CHAIN is not supported: the next transaction would begin unseen',
  hint: 'Send COMMIT or ROLLBACK, then BEGIN.',
}

export function transactionCommand(body: Tree): Command | null {
  const chain = flag(body, 'chain')
  const name = text(body, 'savepoint_name')
  switch (text(body, 'kind')) {
    case 'TRANS_STMT_BEGIN':
      return { type: 'begin', modes: modesOf(list(body, 'options')) }
    case 'TRANS_STMT_START':
      return { type: 'begin', modes: modesOf(list(body, 'options')), starts: true }
    case 'TRANS_STMT_COMMIT':
      return { type: 'commit', chain }
    case 'TRANS_STMT_ROLLBACK':
      return { type: 'rollback', chain }
    case 'TRANS_STMT_SAVEPOINT':
      return { type: 'savepoint', name }
    case 'TRANS_STMT_RELEASE':
      return { type: 'release', name }
    case 'TRANS_STMT_ROLLBACK_TO':
      return { type: 'rollback-to', name }
    case 'TRANS_STMT_PREPARE':
      return { type: 'two-phase', verb: 'prepare' }
    case 'TRANS_STMT_COMMIT_PREPARED':
      return { type: 'two-phase', verb: 'commit' }
    case 'TRANS_STMT_ROLLBACK_PREPARED':
      return { type: 'two-phase', verb: 'rollback' }
    default:
      return null
  }
}

/** The last of two equal modes wins, as in the server. */
export function modesOf(options: readonly unknown[]): TransactionModes {
  let access: TransactionModes['access'] = null
  let level = ''
  let deferrable = ''
  for (const option of options) {
    const element = as(option, 'DefElem')
    if (element === null) continue
    const value = optionValue(element)
    const name = text(element, 'defname')
    if (name === 'transaction_read_only') access = isTrue(value) ? 'read only' : 'read write'
    if (name === 'transaction_isolation') level = `ISOLATION LEVEL ${isolation(value)}`
    if (name === 'transaction_deferrable')
      deferrable = isTrue(value) ? 'DEFERRABLE' : 'NOT DEFERRABLE'
  }
  return { access, others: [level, deferrable].filter((mode) => mode !== '').join(', ') }
}

/** SET TRANSACTION SNAPSHOT: what another transaction sees, under the name that it was exported by. */
export function snapshotOf(options: readonly unknown[]): TransactionModes {
  const id = as(options[0], 'A_Const')
  const name = id === null ? '' : (literal(id) ?? '')
  return { access: null, others: `SNAPSHOT ${quoteText(name)}` }
}

/** True if READ WRITE is said anywhere, even where a later mode wins. */
export function saysReadWrite(options: readonly unknown[]): boolean {
  return options.some((option) => {
    const element = as(option, 'DefElem')
    if (element === null || text(element, 'defname') !== 'transaction_read_only') return false
    return !isTrue(optionValue(element))
  })
}

function optionValue(element: Tree): string {
  const value = as(element['arg'], 'A_Const')
  return value === null ? '' : (literal(value) ?? '')
}

function isTrue(value: string): boolean {
  return value === '1' || value === 'true'
}

/** Never text of the client: only the four levels that there are. */
function isolation(value: string): string {
  const level = value.toUpperCase()
  const known = ['SERIALIZABLE', 'REPEATABLE READ', 'READ COMMITTED', 'READ UNCOMMITTED']
  return known.includes(level) ? level : 'SERIALIZABLE'
}
