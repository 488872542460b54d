import { Cursor } from '../../protocol/bytes/cursor.ts'
import { Writer } from '../../protocol/bytes/writer.ts'
import { BACKEND, decodeErrorFields } from '../../protocol/pg/backend.ts'
import { CONDITION } from './sqlstates.ts'

const SEVERITIES: ReadonlySet<string> = new Set([
  ...['ERROR', 'FATAL', 'PANIC', 'WARNING', 'NOTICE', 'DEBUG', 'INFO', 'LOG'],
])

/** Where in the server's source it was raised: file, line, routine. Nothing else may be in them. */
const PLACE: readonly (readonly [string, RegExp])[] = [
  ['P', /^\d{1,8}$/],
  ['F', /^[a-z_]\w{0,60}\.[chly]$/i],
  ['L', /^\d{1,6}$/],
  ['R', /^[a-z_]\w{0,62}$/i],
]

/**
 * Replaces the text of an ErrorResponse or NoticeResponse (the whole message) whose statement had
 * to do with protected columns: `invalid input syntax for type json` quotes the value. Severity,
 * SQLSTATE, position and the place in the server's source stay (55.8: S V C P F L R); message,
 * detail, hint, context, query and the names of objects do not.
 */
export function scrubReport(message: Buffer): Buffer {
  const fields = decodeErrorFields(message)
  const isNotice = message[0] === BACKEND.notice
  const said = fields.get('V') ?? ''
  const severity = SEVERITIES.has(said) ? said : isNotice ? 'NOTICE' : 'ERROR'
  const code = knownCode(fields.get('C') ?? '', isNotice)
  const out = new Writer().uint8(message[0]!).int32(0)
  const field = (letter: string, value: string): void => {
    out.uint8(letter.charCodeAt(0)).string(value)
  }
  field('S', severity)
  field('V', severity)
  field('C', code)
  field('M', textOf(code))
  for (const [letter, allowed] of PLACE) {
    const value = fields.get(letter)
    if (value !== undefined && allowed.test(value)) field(letter, value)
  }
  out.uint8(0)
  return out.patchInt32(1, out.length - 1).finish()
}

/** The process that notifies. */
export function notifier(message: Buffer): number {
  return new Cursor(message, 5).int32()
}

/** Who notified and the channel stay, the payload does not. */
export function scrubNotification(message: Buffer): Buffer {
  const cursor = new Cursor(message, 5)
  const process = cursor.int32()
  const channel = cursor.string()
  const payload = cursor.string() === '' ? '' : '***'
  const out = new Writer().uint8(BACKEND.notification).int32(0).int32(process)
  out.string(channel).string(payload)
  return out.patchInt32(1, out.length - 1).finish()
}

/** A function chooses its own five characters: only codes that PostgreSQL defines are passed on. */
function knownCode(said: string, isNotice: boolean): string {
  if (CONDITION.has(said)) return said
  return isNotice ? '00000' : 'XX000'
}

function textOf(code: string): string {
  const what = code === '00000' ? 'notice' : CONDITION.get(code)
  return `${what} (text hidden: the statement has to do with protected columns)`
}
