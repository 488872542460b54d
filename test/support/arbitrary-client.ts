import fc from 'fast-check'
import type { Facts } from './analyses.ts'
import { begins, commits, reads, rollsBack, rollsBackTo, saves, writes } from './analyses.ts'
import {
  bind,
  close,
  closePortal,
  describe,
  describePortal,
  execute,
  flush,
  parse,
  query,
  sync,
} from './messages.ts'

/** Texts of a model: the first word says what they are. */
export const KINDS: Readonly<Record<string, () => Facts>> = {
  read: reads,
  write: () => writes(),
  bad: reads,
  'bad write': () => writes(),
  begin: () => begins(),
  commit: commits,
  rollback: rollsBack,
  save: () => saves('a'),
  back: () => rollsBackTo('a'),
}

const TEXTS = fc.constantFrom(...Object.keys(KINDS))
const NAMES = fc.constantFrom('', 'a', 'b')

export interface Said {
  readonly bytes: Buffer
  readonly kind: 'query' | 'sync' | 'other'
}

const other = (bytes: Buffer): Said => ({ bytes, kind: 'other' })

/** One message of a client that may be out of its mind, but keeps to the format. */
const said: fc.Arbitrary<Said> = fc.oneof(
  { weight: 3, arbitrary: TEXTS.map((text): Said => ({ bytes: query(text), kind: 'query' })) },
  { weight: 3, arbitrary: fc.constant<Said>({ bytes: sync(), kind: 'sync' }) },
  fc.tuple(TEXTS, NAMES).map(([text, name]) => other(parse(text, name))),
  fc.tuple(NAMES, NAMES).map(([statement, portal]) => other(bind({ statement, portal }))),
  fc.tuple(NAMES, fc.nat(2)).map(([portal, rows]) => other(execute(portal, rows))),
  NAMES.map((name) => other(describe(name))),
  NAMES.map((name) => other(describePortal(name))),
  NAMES.map((name) => other(close(name))),
  NAMES.map((name) => other(closePortal(name))),
  fc.constant(other(flush())),
)

/** Whole exchanges are likelier than single messages, so that something happens. */
const exchange: fc.Arbitrary<Said[]> = fc.oneof(
  said.map((one) => [one]),
  fc
    .tuple(TEXTS, fc.boolean())
    .map(([text, ends]) => [
      ...[parse(text), bind(), describePortal(), execute()].map(other),
      ...(ends ? [{ bytes: sync(), kind: 'sync' } as const] : []),
    ]),
)

const CONTROLS: ReadonlySet<string> = new Set(['begin', 'commit', 'rollback', 'save', 'back'])

/** Transaction control only by Query, and nothing that writes. */
export function isReading({ bytes, kind }: Said): boolean {
  const text = bytes.toString('latin1')
  if (text.includes('write')) return false
  return kind === 'query' || ![...CONTROLS].some((each) => text.includes(each))
}

export const conversation = fc
  .array(exchange, { maxLength: 12 })
  .map((all): Said[] => [...all.flat(), { bytes: sync(), kind: 'sync' }])

/** The gate answers at Sync and Query; what comes before is said together with it. */
export function turns(said: readonly Said[]): Said[] {
  const all: Said[] = []
  let before: Buffer[] = []
  for (const { bytes, kind } of said) {
    before.push(bytes)
    if (kind === 'other') continue
    all.push({ bytes: Buffer.concat(before), kind })
    before = []
  }
  return all
}
