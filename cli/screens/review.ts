import { createElement as h, type ReactElement, useEffect, useMemo, useRef, useState } from 'react'
import type { Request } from '../../protocol/api/requests.ts'
import { type Canvas, LEAST_WIDTH } from '../output/field.ts'
import { requestLines, titleLines } from '../output/request-screen.ts'
import type { ShownLine } from '../output/statement-lines.ts'
import { chop, fit } from '../output/width.ts'
import { type Deeds, footLines } from './deeds.ts'
import { heldKey, type Keyboard, useKeys } from './keyboard.ts'
import { type Key, OWN_KEYS, REVIEW_KEYS } from './keys.ts'
import { Lines } from './lines.ts'
import { isAllRead, NOTHING_READ, type Reading, read } from './reading.ts'

export interface ReviewProps {
  readonly request: Request
  /** True: the person's own; others decide. */
  readonly isMine: boolean
  readonly deeds: Deeds
  readonly keyboard: Keyboard
  readonly out: Canvas
  readonly rows: number
  readonly now: number
  readonly onBack: () => void
  readonly onQuit: () => void
}

/** Fewer lines than these show nothing of a request. */
const LEAST_ROWS = 8
/** The line that says where one is, and the one that the cursor has. */
const FRAME = 2

/** A request in full. It can be approved here only after all that will run was on the screen. */
export function Review(props: ReviewProps): ReactElement {
  const { request, isMine, deeds, out, rows, now } = props
  const lines = useMemo(() => requestLines(request, out, Date.now()), [request, out])
  const [wish, setTop] = useState(0)
  const foot = footLines(keysOf(request, isMine), deeds, out)
  const title = titleLines(request, out, now)
  const room = Math.max(1, rows - FRAME - title.length - foot.length)
  const top = Math.max(0, Math.min(wish, lines.length - room))
  const isLarge = out.width >= LEAST_WIDTH && rows >= LEAST_ROWS
  const reading = useReading(lines, { width: out.width, top, rows: isLarge ? room : 0 })
  useReviewKeys(props, { lines, reading, room, top, setTop })
  if (!isLarge) return h(Lines, { lines: chop('Make the window larger.', out.width) })
  const body = lines.slice(top, top + room).map(({ text }) => text)
  const blank = Array.from({ length: Math.max(0, room - body.length) }, () => '')
  const place = placeLine(lines, reading, top, room, out)
  return h(Lines, { lines: [...title, ...body, ...blank, place, ...foot] })
}

/** What was really shown counts: after it is on the screen. */
function useReading(
  lines: readonly ShownLine[],
  { width, top, rows }: { width: number; top: number; rows: number },
): Reading {
  const [reading, setReading] = useState(NOTHING_READ)
  const former = useRef(lines)
  useEffect(() => {
    const shown = former.current
    former.current = lines
    setReading((before) => read(before, lines, shown, { width, top, rows }))
  }, [lines, width, top, rows])
  return reading
}

interface Page {
  readonly lines: readonly ShownLine[]
  readonly reading: Reading
  readonly room: number
  readonly top: number
  readonly setTop: (top: number) => void
}

function useReviewKeys(props: ReviewProps, { lines, reading, room, top, setTop }: Page): void {
  const { request, isMine, deeds, keyboard, onBack, onQuit } = props
  const page = Math.max(1, room - 1)
  const go = (to: number): void => setTop(Math.max(0, Math.min(to, lines.length - room)))
  useKeys(keyboard, (input, key) => {
    if (deeds.takes(input, key)) return
    if (key.ctrl && input === 'c') return onQuit()
    if (input === 'q' || key.escape || key.leftArrow) return onBack()
    deeds.hush()
    const [held, times] = heldKey(input)
    // Never past what was not shown: a key that is held down is one page, or that many lines.
    if (held === 'j' || key.downArrow || key.return) go(top + Math.min(times, page))
    else if (held === 'k' || key.upArrow) go(top - times)
    else if (held === ' ' || key.pageDown) go(top + page)
    else if (held === 'b' || key.pageUp) go(top - page)
    else if (input === 'g' || key.home) go(0)
    else if (input === 'G' || key.end) go(lines.length)
    else if (request.state !== 'pending') return
    else if (input === '?') deeds.begin(isMine ? 'answer' : 'ask', request)
    else if (input === 'c' && isMine) deeds.begin('cancel', request)
    else if (input === 'r' && !isMine) deeds.begin('reject', request)
    else if (input === 'a') {
      const why = unapprovable(props, isAllRead(reading, lines))
      if (why === null) deeds.begin('approve', request)
      else deeds.say(why)
    }
  })
}

function unapprovable({ request, isMine }: ReviewProps, allRead: boolean): string | null {
  const { id, cut, digest } = request
  if (isMine) return 'It is your own request: another person must decide it.'
  if (cut !== null) {
    return `It is too long to be shown whole. Read hoop show ${id} --output FILE, then: hoop approve ${id} --digest ${digest}`
  }
  return allRead ? null : 'Read all that will run first: space goes on.'
}

function keysOf({ state }: Request, isMine: boolean): readonly Key[] {
  const keys = isMine ? OWN_KEYS : REVIEW_KEYS
  return state === 'pending' ? keys : keys.filter(([key]) => !/^[arc?]$/.test(key))
}

function placeLine(
  lines: readonly ShownLine[],
  reading: Reading,
  top: number,
  room: number,
  out: Canvas,
): string {
  const end = Math.min(lines.length, top + room)
  const place = `lines ${top + 1}-${end} of ${lines.length}`
  const rest = isAllRead(reading, lines) ? 'all that will run was shown' : 'there is more to read'
  return out.style('dim', fit(`── ${place}, ${rest} ──`, out.width))
}
