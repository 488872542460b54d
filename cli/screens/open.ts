import { Whoami } from '../../protocol/api/identity.ts'
import type { BrokerApi } from '../broker-api.ts'
import { Interruption } from '../login/interruption.ts'
import type { Output } from '../output/output.ts'
import { follow, type View } from '../requests/follow.ts'
import { deskOf } from './desk.ts'
import { RequestFeed } from './feed.ts'

export interface ScreenOptions {
  readonly api: BrokerApi
  readonly out: Output
  readonly view: View
  readonly title: string
  /** The request that is reviewed at once, and alone; null: the list. */
  readonly only: string | null
}

/** Shows the screen until the person leaves it; the terminal is given back as it was. */
export async function openScreen(options: ScreenOptions): Promise<void> {
  const { api, out, view, title, only } = options
  const { email, subject } = await api.request('GET', '/v1/whoami', { schema: Whoami })
  const me = email ?? subject
  const feed = new RequestFeed(view === 'inbox' ? waitsFor(me) : () => true)
  const { render, createElement, App } = await loadScreens()
  using interruption = new Interruption()
  const over = new AbortController()
  const signal = AbortSignal.any([interruption.signal, over.signal])
  const style = out.style.bind(out)
  const app = { feed, desk: deskOf(api), title, style, me, isMine: view === 'mine', only }
  const screen = render(createElement(App, app), SCREEN)
  signal.addEventListener('abort', () => screen.unmount(), { once: true })
  const followed = follow(api, view, signal, feed).then(
    () => null,
    (error: unknown) => {
      // Told once the terminal is given back.
      screen.unmount()
      return { error }
    },
  )
  await screen.waitUntilExit()
  over.abort()
  const fault = await followed
  if (fault !== null) throw fault.error
}

const SCREEN = {
  interactive: true,
  alternateScreen: true,
  exitOnCtrlC: false,
  patchConsole: false,
} as const

/** React as it is for users; its other half looks for mistakes of the programmer, and is slower. */
async function loadScreens() {
  process.env['NODE_ENV'] ??= 'production'
  const [{ render }, { createElement }, { App }] = await Promise.all([
    import('ink'),
    import('react'),
    import('./app.ts'),
  ])
  return { render, createElement, App }
}

/** What still waits for this person: what others decided leaves, and what they have approved. */
function waitsFor(me: string) {
  return (request: { state: string; decisions: readonly { by: string }[] }): boolean =>
    request.state === 'pending' && request.decisions.every(({ by }) => by !== me)
}
