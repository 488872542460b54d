import { Box, Static, useInput, useWindowSize } from 'ink'
import { createElement as h, type ReactElement, useMemo, useSyncExternalStore } from 'react'
import type { Request } from '../../protocol/api/requests.ts'
import { type Canvas, roomOf } from '../output/field.ts'
import { describeNeeds } from '../output/request-fields.ts'
import { describeClock } from '../output/time.ts'
import { visibleLine } from '../output/visible.ts'
import { chop, wrap } from '../output/width.ts'
import type { Held, Status, StatusFeed } from './held.ts'
import { flow, Lines, useNow } from './lines.ts'

export interface StatusProps {
  readonly feed: StatusFeed
  readonly style: Canvas['style']
  readonly onInterrupt: () => void
}

/** Below what was said: what is held now, since when, who can decide it, what they ask. */
export function ConnectionStatus({ feed, style, onInterrupt }: StatusProps): ReactElement {
  const { columns } = useWindowSize()
  const out = useMemo(() => ({ onTerminal: true, width: columns, style }), [columns, style])
  const status = useSyncExternalStore(feed.subscribe, feed.status)
  const now = useNow()
  useInput((input, key) => {
    if (key.ctrl && input === 'c') onInterrupt()
  })
  const said = {
    items: [...status.log],
    children: (line: string, at: number) => h(Lines, { key: at, lines: [line] }),
  }
  const lines = [...status.held.flatMap((held) => heldLines(held, now, out)), ...end(status, out)]
  return h(
    Box,
    { flexDirection: 'column' },
    h(Static<string>, said),
    h(Lines, { lines: ['', ...lines] }),
  )
}

function heldLines(held: Held, now: number, out: Canvas): string[] {
  const { id, since, request, message } = held
  const clock = `held ${describeClock(now - since)}`
  const ends = request?.expires_at ? Date.parse(request.expires_at) : null
  const left = ends === null ? [] : [`expires in ${describeClock(ends - now)}`]
  const title = flow([clock, id, ...left], out.width).map((line) => out.style('yellow', line))
  const about = request === null ? [message] : [request.effect, decision(held, request)]
  const last = request?.questions.at(-1)
  const talk = last?.part === 'question' ? [`${last.by} asks: ${last.text}`] : []
  const how = talk.map(() => out.style('bold', `  hoop answer ${id} TEXT`))
  return [...title, ...[...about, ...talk].flatMap((text) => indented(text, out)), ...how]
}

function decision({ deciders }: Held, request: Request): string {
  const who = deciders.length === 0 ? '' : `: ${deciders.join(', ')}`
  return `decided by ${describeNeeds(request)}${who}`
}

function indented(text: string, out: Canvas): string[] {
  const room = roomOf(out, 2)
  return wrap(visibleLine(text), room)
    .flatMap((line) => chop(line, room))
    .map((line) => `  ${line}`)
}

function end({ held, isInterrupted }: Status, out: Canvas): string[] {
  const text =
    held.length === 0 || isInterrupted
      ? 'Ctrl-C ends the connection.'
      : 'Ctrl-C cancels what is held; a second one ends the connection.'
  return wrap(text, out.width).map((line) => out.style('dim', line))
}
