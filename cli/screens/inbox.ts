import { createElement as h, type ReactElement, useEffect, useState } from 'react'
import type { Request } from '../../protocol/api/requests.ts'
import type { Canvas } from '../output/field.ts'
import { lastWord, quorum } from '../output/request-fields.ts'
import { describeDuration, since } from '../output/time.ts'
import { visibleLine } from '../output/visible.ts'
import { fit } from '../output/width.ts'
import { type Deeds, footLines } from './deeds.ts'
import type { Seen } from './feed.ts'
import { heldKey, type Keyboard, useKeys } from './keyboard.ts'
import { INBOX_KEYS, LIST_KEYS } from './keys.ts'
import { flow, Lines } from './lines.ts'

export interface InboxProps {
  readonly seen: Seen
  readonly title: string
  /** True: all that is listed is the person's own. */
  readonly isMine: boolean
  readonly deeds: Deeds
  readonly keyboard: Keyboard
  readonly out: Canvas
  readonly rows: number
  readonly now: number
  readonly onOpen: (id: string) => void
  readonly onQuit: () => void
}

const INDENT = '   '

/** What waits: who, how long, where, what it would do, how much of the quorum is there. */
export function Inbox(props: InboxProps): ReactElement {
  const { seen, title, isMine, deeds, out, rows } = props
  const { requests } = seen
  const [at, choose] = useChoice(requests)
  useInboxKeys(props, at, choose)
  const foot = footLines(isMine ? LIST_KEYS : INBOX_KEYS, deeds, out)
  const head = [titleLine(title, seen, out), ...troubleLines(seen, out), '']
  const room = Math.max(1, rows - 2 - head.length - foot.length)
  const entries = requests.map((request, index) => entryLines(request, index === at, props))
  const body = entries.length === 0 ? [emptyLine(seen)] : around(entries, at, room)
  const blank = Array.from({ length: Math.max(0, room - body.length) }, () => '')
  return h(Lines, { lines: [...head, ...body, ...blank, '', ...foot] })
}

/** It stays on its request when others come; when that one leaves, in its place. */
function useChoice(requests: readonly Request[]): [at: number, choose: (id: string) => void] {
  const [choice, setChoice] = useState<{ id: string; at: number } | null>(null)
  const found = requests.findIndex(({ id }) => id === choice?.id)
  const last = Math.max(0, requests.length - 1)
  const at = found < 0 ? Math.min(choice?.at ?? 0, last) : found
  const id = requests[at]?.id
  useEffect(() => {
    if (id !== undefined) setChoice({ id, at })
  }, [id, at])
  return [at, (wanted) => setChoice({ id: wanted, at })]
}

function useInboxKeys(
  { seen, isMine, deeds, keyboard, onOpen, onQuit }: InboxProps,
  at: number,
  choose: (id: string) => void,
): void {
  const { requests } = seen
  const request = requests[at]
  const go = (place: number): void => {
    const to = requests[Math.min(requests.length - 1, Math.max(0, place))]
    if (to) choose(to.id)
  }
  useKeys(keyboard, (input, key) => {
    if (deeds.takes(input, key)) return
    if (input === 'q' || key.escape || (key.ctrl && input === 'c')) return onQuit()
    deeds.hush()
    const [held, times] = heldKey(input)
    if (held === 'j' || key.downArrow) go(at + times)
    else if (held === 'k' || key.upArrow) go(at - times)
    else if (input === 'g' || key.home) go(0)
    else if (input === 'G' || key.end) go(requests.length - 1)
    else if (!request) return
    else if (key.return) onOpen(request.id)
    else if (input === 'a' && !isMine) {
      deeds.say('Read it first, then press a.')
      onOpen(request.id)
    } else if (input === 'r' && !isMine) deeds.begin('reject', request)
    else if (input === '?') deeds.begin(isMine ? 'answer' : 'ask', request)
    else if (input === 'c' && isMine) deeds.begin('cancel', request)
  })
}

function titleLine(title: string, { requests, fresh }: Seen, out: Canvas): string {
  const news = requests.filter(({ id }) => fresh.has(id)).length
  const count = [`${requests.length}`, ...(news === 0 ? [] : [`${news} new`])].join(', ')
  return out.style('bold', fit(requests.length === 0 ? title : `${title} (${count})`, out.width))
}

function troubleLines({ trouble }: Seen, out: Canvas): string[] {
  return trouble === null ? [] : [out.style('red', fit(visibleLine(trouble), out.width))]
}

function emptyLine({ isListed }: Seen): string {
  return isListed ? 'Nothing yet. What comes appears here.' : '…'
}

function entryLines(request: Request, isChosen: boolean, props: InboxProps): string[] {
  const { seen, out, now } = props
  const mark = `${isChosen ? '▸' : ' '}${seen.fresh.has(request.id) ? '●' : ' '} `
  const width = out.width - INDENT.length
  const facts = flow(
    parts(request, now).map((part) => fit(part, width)),
    width,
  )
  const effect = fit(visibleLine(request.effect), width)
  return [...facts, effect].map((line, at) => {
    const text = (at === 0 ? mark : INDENT) + line
    return isChosen ? out.style('bold', text) : text
  })
}

function parts(request: Request, now: number): string[] {
  const { requester, connection, state, expires_at } = request
  const isOpen = state === 'pending'
  const left = expires_at === null ? '' : describeDuration(Date.parse(expires_at) - now)
  return [
    visibleLine(requester),
    connection,
    visibleLine(request.class),
    ...(isOpen
      ? [`waits ${since(request.created_at, now)}`, visibleLine(quorum(request))]
      : [state]),
    ...(isOpen && left !== '' ? [`${left} left`] : []),
    ...lastWord(request),
  ]
}

/** As many whole entries around the chosen one as there is room for. */
function around(entries: readonly (readonly string[])[], at: number, room: number): string[] {
  let from = at
  let to = at + 1
  let used = entries[at]?.length ?? 0
  for (let grew = true; grew; ) {
    grew = false
    const below = entries[to]
    if (below && used + below.length <= room) {
      ;[to, used, grew] = [to + 1, used + below.length, true]
    }
    const above = entries[from - 1]
    if (above && used + above.length <= room) {
      ;[from, used, grew] = [from - 1, used + above.length, true]
    }
  }
  return entries.slice(from, to).flat().slice(0, room)
}
