import { spawnSync } from 'node:child_process'
import { HoopError } from '../../protocol/errors.ts'

/** The account that PostgreSQL runs as; empty means: the one that runs hoop. */
export type Account = { readonly uid: number; readonly gid: number } | Record<string, never>

/**
 * PostgreSQL refuses to run as root, so root lends it an account that exists everywhere and owns
 * nothing. `postgres` is last: on a machine with a real server it could read that server's files.
 */
const LENDABLE = ['nobody', 'daemon', 'postgres']

export function chooseAccount(): Account {
  if (process.getuid?.() !== 0) return {}
  for (const name of LENDABLE) {
    const account = lookUp(name)
    if (account !== null && can(account, 'exit 0')) return account
  }
  throw new HoopError({
    code: 'no_account',
    message: `PostgreSQL refuses to run as root, and none of the accounts ${LENDABLE.join(', ')} can be used.`,
    hint: 'Run this as an ordinary user.',
  })
}

/** May the account enter this folder (every folder above it included)? */
export function canEnter(account: Account, folder: string): boolean {
  return isOwn(account) || can(account, 'cd "$1"', folder)
}

/** May the account start this program? A checkout under root's home is closed to everybody else. */
export function canRun(account: Account, program: string): boolean {
  return isOwn(account) || can(account, '"$1" --version', program)
}

export function isOwn(account: Account): account is Record<string, never> {
  return !('uid' in account)
}

function lookUp(name: string): Account | null {
  const [uid, gid] = ['-u', '-g'].map((flag) => {
    const answer = spawnSync('id', [flag, name], { encoding: 'utf8' })
    return answer.status === 0 ? Number(answer.stdout) : Number.NaN
  })
  return Number.isInteger(uid) && Number.isInteger(gid) && uid !== 0
    ? { uid: uid as number, gid: gid as number }
    : null
}

function can(account: Account, script: string, ...values: string[]): boolean {
  const shell = spawnSync('sh', ['-c', script, 'sh', ...values], {
    ...account,
    cwd: '/',
    stdio: 'ignore',
  })
  return shell.status === 0
}
