import { createHash } from 'node:crypto'
import { comparePolicies, type Direction, type PartChange } from '../policy/compare.ts'
import type { Policy } from '../policy/policy.ts'
import type { Proposal } from '../store/store.ts'
import { unifiedDiff } from './diff.ts'

/** What an approver of a change reads, whole: each change in words, then the text itself. */
export interface Wording {
  readonly statement: string
  readonly effect: string
}

interface Texts {
  readonly what: string
  readonly base: number
  readonly before: string
  readonly after: string
}

export function policyWording(
  texts: Omit<Texts, 'what'>,
  policies: readonly [before: Policy, after: Policy],
): Wording {
  const changes = comparePolicies(...policies)
  const counts = DIRECTIONS.map((how) => [changes.filter((one) => one.how === how).length, how])
  const said = counts.filter(([count]) => count !== 0).map(([count, how]) => `${count} ${how}`)
  const effect = `policy version ${texts.base + 1}: ${said.join(', ') || 'nothing decides otherwise'}`
  const head = [effect, ...changes.map(changeText)].join('\n')
  return { effect, statement: `${head}\n\n${diffOf({ what: 'policy', ...texts })}` }
}

export function connectionWording(texts: Omit<Texts, 'what'>, name: string, target: string) {
  const verb = texts.base === 0 ? 'adds' : 'changes'
  const effect = `${verb} the connection ${name}: ${target}`
  return { effect, statement: `${effect}\n\n${diffOf({ what: `connection ${name}`, ...texts })}` }
}

/** SHA-256 over what was in force, and what is to be: nothing else comes of the approval. */
export function digestOfChange({ kind, name, base, body }: Proposal): string {
  const hash = createHash('sha256')
  for (const field of ['hoop change 1', kind, name, String(base), body]) {
    const length = Buffer.alloc(8)
    length.writeBigUInt64BE(BigInt(Buffer.byteLength(field)))
    hash.update(length).update(field)
  }
  return hash.digest('hex')
}

const DIRECTIONS: readonly Direction[] = ['looser', 'stricter', 'other']

function diffOf({ what, base, before, after }: Texts): string {
  return unifiedDiff(before, after, [`${what} version ${base}`, `${what} version ${base + 1}`])
}

/** Texts of the policy stand in quotes, on one line: they cannot pass for another line of this. */
function changeText({ connection, part, how, before, after }: PartChange): string {
  const was = before ?? 'not there'
  const is = after ?? 'not there'
  return `${how.padEnd(9)}${connection} ${part}: ${was} -> ${is}`.replace(/[\r\n]+/g, ' ')
}
