import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { Feed, type Grown } from './feed.ts'
import { Finder, type FoundSession, type Wanted } from './find.ts'
import { Pace } from './pace.ts'
import { openIndexDatabase } from './schema.ts'

/** What the worker is asked. `grown` has no answer. */
export type Order =
  | { readonly type: 'grown'; readonly logs: readonly Grown[] }
  | { readonly type: 'list'; readonly id: number; readonly wanted: Wanted }
  | {
      readonly type: 'search'
      readonly id: number
      readonly query: string
      readonly wanted: Wanted
    }
  | { readonly type: 'get'; readonly id: number; readonly session: string }

export type Answer =
  | { readonly id: number; readonly found: readonly FoundSession[]; readonly behind: number }
  | { readonly id: number; readonly failure: string }

/** A search waits this long for what is not read yet, and then says what is left. */
const CATCH_UP_MS = 1500
const IDLE_STEP_MS = 20

interface Start {
  readonly folder: string
  readonly dataDir: string
  /** Counts what sessions append. */
  readonly appends: Int32Array
}

const { folder, dataDir, appends } = workerData as Start
const database = openIndexDatabase(join(dataDir, 'index.sqlite'))
const feed = new Feed(folder, database)
const finder = new Finder(database)
const pace = new Pace(() => Atomics.load(appends, 0))
let scheduled = false

/** Reads on as long as there is something, leaving the processor to others in between. */
function work(): void {
  scheduled = false
  const began = performance.now()
  let more = true
  while (more && performance.now() - began < IDLE_STEP_MS) more = feed.step()
  if (more) schedule(pace.pause(performance.now() - began, performance.now()))
}

function schedule(ms: number): void {
  if (!scheduled) setTimeout(work, ms)
  scheduled = true
}

function catchUp(): void {
  const end = performance.now() + CATCH_UP_MS
  while (performance.now() < end && feed.step());
}

function answer(order: Exclude<Order, { type: 'grown' }>): Answer {
  const { id } = order
  if (order.type !== 'get' || finder.get(order.session) === null) catchUp()
  const behind = feed.waiting
  switch (order.type) {
    case 'list':
      return { id, found: finder.list(order.wanted), behind }
    case 'search':
      return { id, found: finder.search(order.query, order.wanted), behind }
    case 'get': {
      const found = finder.get(order.session)
      return { id, found: found === null ? [] : [found], behind }
    }
  }
}

parentPort?.on('message', (order: Order) => {
  if (order.type === 'grown') {
    for (const log of order.logs) feed.grown(log)
    schedule(0)
    return
  }
  try {
    parentPort?.postMessage(answer(order))
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error)
    parentPort?.postMessage({ id: order.id, failure } satisfies Answer)
  }
})

feed.findAll()
schedule(0)
