import { useApp, useWindowSize } from 'ink'
import {
  createElement as h,
  type ReactElement,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from 'react'
import type { Request } from '../../protocol/api/requests.ts'
import type { Canvas } from '../output/field.ts'
import { type Deeds, failureText, useDeeds } from './deeds.ts'
import type { Desk } from './desk.ts'
import type { RequestFeed } from './feed.ts'
import { Inbox } from './inbox.ts'
import { type Keyboard, useKeyboard, useKeys } from './keyboard.ts'
import { keyLines, Lines, useNow } from './lines.ts'
import { Review } from './review.ts'

export interface AppProps {
  readonly feed: RequestFeed
  readonly desk: Desk
  readonly title: string
  readonly style: Canvas['style']
  /** The person's own name, as requests have it. */
  readonly me: string
  readonly isMine: boolean
  /** The request that is reviewed at once, and alone; null: the inbox. */
  readonly only: string | null
}

/** The inbox, and the request that is opened from it. */
export function App(props: AppProps): ReactElement {
  const { feed, desk, title, style, me, isMine, only } = props
  const { exit } = useApp()
  const { columns, rows } = useWindowSize()
  const out = useMemo(() => ({ onTerminal: true, width: columns, style }), [columns, style])
  const seen = useSyncExternalStore(feed.subscribe, feed.seen)
  const keyboard = useKeyboard()
  const deeds = useDeeds(desk)
  const now = useNow()
  const [open, setOpen] = useState(only)
  const request = useRequest(open, feed, desk, deeds.say)
  const onQuit = (): void => exit()
  const shared = { deeds, keyboard, out, rows, now, onQuit }
  if (open === null) {
    const onOpen = (id: string): void => {
      feed.looked(id)
      setOpen(id)
    }
    return h(Inbox, { seen, title, isMine, onOpen, ...shared })
  }
  const onBack = (): void => {
    deeds.hush()
    if (only === null) setOpen(null)
    else exit()
  }
  if (request?.id !== open) return h(Waiting, { onBack, deeds, keyboard, out })
  return h(Review, { key: open, request, isMine: request.requester === me, onBack, ...shared })
}

/** The request as it is now: read again whenever something becomes of it. */
function useRequest(
  id: string | null,
  feed: RequestFeed,
  desk: Desk,
  say: (text: string) => void,
): Request | null {
  const [request, setRequest] = useState<Request | null>(null)
  useEffect(() => {
    if (id === null) return
    let isOpen = true
    const load = (): void => {
      const failed = (error: unknown) => (isOpen ? say(failureText(error)) : null)
      desk.load(id).then((loaded) => (isOpen ? setRequest(loaded) : null), failed)
    }
    load()
    const stop = feed.onChange(id, load)
    return () => {
      isOpen = false
      stop()
    }
  }, [id, feed, desk, say])
  return request
}

/** Until the request is there. */
function Waiting({ deeds, keyboard, out, onBack }: WaitingProps): ReactElement {
  useKeys(keyboard, (input, key) => {
    if (input === 'q' || key.escape || (key.ctrl && input === 'c')) onBack()
  })
  return h(Lines, { lines: ['…', ...deeds.lines(out), ...keyLines([['q', 'back']], out)] })
}

interface WaitingProps {
  readonly deeds: Deeds
  readonly keyboard: Keyboard
  readonly out: Canvas
  readonly onBack: () => void
}
