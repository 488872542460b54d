import { findEmail } from './email.ts'
import { CLOUD_KEY, EMAIL, type Hits, has, JWT, PHONE, PRIVATE_KEY } from './kinds.ts'
import { findPem } from './pem.ts'
import { findPhone } from './phone.ts'
import { type Bounds, nothingSeen } from './reach.ts'
import { findCloudKey, findJwt } from './secrets.ts'

/**
 * By which byte each kind is noticed, with what must stand beside it: a rare one, not always its
 * first, since an engine for regular expressions looks for one byte of a few at many places at
 * once. Matches are of one byte, that no mark hides another. `least`: no such value has fewer bytes.
 */
const MARKS: readonly (readonly [kind: number, least: number, marks: readonly string[]])[] = [
  [EMAIL, 6, ['@']],
  [PHONE, 9, ['[+](?=[1-9])', '[(](?=[2-9])']],
  [JWT, 16, ['J(?<=eyJ)']],
  [PRIVATE_KEY, 67, ['V(?<=PRIV)']],
  [
    CLOUD_KEY,
    20,
    [
      'x(?=ox[abprs]-|app-)',
      'I(?=A)(?<=A[KSB]I)',
      'I(?=za)(?<=AI)',
      'X(?=-)(?<=GOCSPX)',
      'K(?=[Ee][Yy])',
      '~(?<=Q~)',
      '_(?=[Kk][Ee][Yy])',
      '_(?<=(?:gh[pousr]|github_pat|npm|[rs]k_live|whsec)_)',
    ],
  ],
]

interface Marks {
  readonly form: RegExp
  readonly least: number
}

const known = new Map<number, Marks>()

function marksOf(kinds: number): Marks {
  let marks = known.get(kinds)
  if (marks === undefined) {
    const wanted = MARKS.filter(([kind]) => has(kinds, kind))
    // An empty set of characters: matches nothing.
    const form = wanted.flatMap(([, , forms]) => forms).join('|') || '[]'
    const least = Math.min(...wanted.map(([, bytes]) => bytes))
    marks = { form: new RegExp(form, 'g'), least }
    known.set(kinds, marks)
  }
  return marks
}

/**
 * What is noticed by a mark: secrets, addresses, telephone numbers. `hits` null: says whether there
 * may be some, whatever frames them.
 */
export function findMarked(
  kinds: number,
  bytes: Buffer,
  start: number,
  end: number,
  hits: Hits | null,
): boolean {
  const { form, least } = marksOf(kinds)
  if (end - start < least) return false
  const text = bytes.toString('latin1', start, end)
  let bounds: Bounds | null = null
  form.lastIndex = 0
  while (form.test(text)) {
    bounds ??= { start, end, seen: nothingSeen() }
    if (findAt(bytes, start + form.lastIndex - 1, bounds, hits) && hits === null) return true
  }
  return false
}

/** What the mark at `at` gives away. */
function findAt(bytes: Buffer, at: number, bounds: Bounds, hits: Hits | null): boolean {
  const { start, end } = bounds
  switch (bytes[at]) {
    case 0x40:
      return findEmail(bytes, at, start, end, hits)
    case 0x28:
    case 0x2b:
      return findPhone(bytes, at, start, end, hits)
    case 0x4a:
      return findJwt(bytes, at, bounds, hits)
    case 0x56:
      return findPem(bytes, at, bounds, hits)
    default:
      return findCloudKey(bytes, at, bounds, hits)
  }
}
