/** An event and its request, as people are to read it: what others wrote is made visible, and bounded. */
import type { Happening } from '../../protocol/api/happenings.ts'
import { visibleLine } from '../../protocol/visible.ts'
import type { Undelivered } from '../store/outbox.ts'
import type { Need, Person, RequestRecord } from '../store/store.ts'
import { type Fits, type Shown, shownStatement } from './statement.ts'

export interface Message {
  /** The same each time that the event is told: who reads it twice can know. */
  readonly id: string
  readonly event: Happening
  readonly at: string
  readonly request: string
  readonly connection: string
  /** In words of hoop's own; nothing that others wrote. */
  readonly headline: string
  /** Label and text; texts are of others. */
  readonly facts: readonly (readonly [label: string, text: string])[]
  readonly statement: string | null
  /** In words of hoop's own. */
  readonly note: string
  /** What is typed to see it, and to decide it. */
  readonly commands: readonly string[]
}

const HEADLINES: Readonly<Record<Happening, string>> = {
  held: 'Approval needed',
  decided: 'Somebody decided',
  approved: 'Approved',
  rejected: 'Rejected',
  expired: 'Expired: nobody decided in time, or it was not used',
  cancelled: 'Cancelled',
  revoked: 'Revoked',
  executed: 'Handed to the target',
  reminder: 'Still waiting for approval',
  escalated: 'Still waiting: more people may approve now',
  break_glass: 'EMERGENCY ACCESS: open at once, without an approval, and to be reviewed',
}

/** While people are asked. */
const ASKING: ReadonlySet<Happening> = new Set([
  ...(['held', 'decided', 'reminder', 'escalated', 'break_glass'] as const),
])

export interface MessageOptions {
  readonly shown: Shown
  readonly fits: Fits
}

export function messageOf(
  event: Undelivered,
  request: RequestRecord,
  { shown, fits }: MessageOptions,
): Message {
  const { text, why } = shownStatement(request, shown, fits)
  const isAsking = ASKING.has(event.event) && request.state === 'pending'
  return {
    id: `${request.id}.${event.number}`,
    event: event.event,
    at: new Date(event.at).toISOString(),
    request: request.id,
    connection: request.connection,
    headline: HEADLINES[event.event],
    facts: factsOf(event, request, isAsking),
    statement: text,
    note: [why, isAsking ? 'It is decided in the CLI alone.' : null].filter(Boolean).join(' '),
    commands: [`hoop show ${request.id}`, ...(isAsking ? [`hoop approve ${request.id}`] : [])],
  }
}

function factsOf(event: Undelivered, request: RequestRecord, isAsking: boolean): Message['facts'] {
  const { by, said, verdict } = happened(event, request)
  const list: (readonly [string, string | null])[] = [
    ['request', request.id],
    ['requester', nameOf(request.requester)],
    ['where', `${request.connection}, database ${request.database}`],
    ['what', `${request.class}: ${request.effect}`],
    ['reason', request.reason],
    ['needs', isAsking ? waysOf(request, event.at) : null],
    ['until', isAsking ? untilOf(request) : null],
    ['by', by === null ? null : nameOf(by)],
    ['verdict', verdict],
    ['said', said],
  ]
  return list.flatMap(([label, text]) =>
    text === null || text === '' ? [] : [[label, bounded(text)] as const],
  )
}

interface Happened {
  readonly by: Person | null
  readonly said: string | null
  readonly verdict: string | null
}

function happened({ event, place, detail }: Undelivered, request: RequestRecord): Happened {
  const decision = event === 'decided' && place !== null ? request.decisions[place] : undefined
  if (decision) return { by: decision.by, said: decision.comment, verdict: decision.verdict }
  const state = event !== 'decided' && place !== null ? request.history[place] : undefined
  if (state) return { by: state.by, said: state.why, verdict: null }
  return { by: null, said: detail, verdict: null }
}

/** A review waits for as long as it takes. */
function untilOf({ kind, expiresAt }: RequestRecord): string | null {
  return kind === 'break_glass' ? null : new Date(expiresAt).toISOString()
}

/** Each way that is open then is enough by itself. */
function waysOf({ needs, alternatives, opens }: RequestRecord, at: number): string {
  const open = alternatives.filter((_, place) => (opens[place] ?? 0) <= at)
  return (open.length > 0 ? open : [needs]).map(needsOf).join(', or ')
}

function needsOf(needs: readonly Need[]): string {
  return needs.map(({ group, count }) => `${count} of ${group}`).join(' and ')
}

function nameOf({ email, subject }: Person): string {
  return email ?? subject
}

/** One line of one person. */
const LONGEST = 500

/** What is cut says so; no half of a character is left. */
function bounded(text: string): string {
  const whole = visibleLine(text)
  if (whole.length <= LONGEST) return whole
  const head = whole.slice(0, LONGEST).replace(/[\uD800-\uDBFF]$/, '')
  return `${head} … (${whole.length - head.length} more characters: hoop show)`
}
