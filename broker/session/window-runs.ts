import { HoopError } from '../../protocol/errors.ts'
import type { NewEntry } from '../../protocol/log/entries.ts'
import type { Report, Unit } from '../../protocol/pg/execution.ts'
import type { RequestRecord, WindowUse } from '../store/store.ts'
import { freshly, noFreshToken } from './fresh.ts'
import {
  exceeds,
  type HoldParts,
  type Later,
  type Refused,
  refusedBy,
  spoolEntry,
  TOO_MUCH_DATA,
} from './holds.ts'
import type { LiveWindows } from './windows.ts'

export interface WindowRunParts extends HoldParts {
  readonly windows: LiveWindows
}

/** What runs in a window: its rows are reserved, and it is in the record, before it is sent. */
export class WindowRuns {
  private readonly parts: WindowRunParts
  /** Units that wait for their turn; true: nobody waits for them any more. */
  private readonly waiting = new Map<number, { withdrawn: boolean }>()
  /** Those that were sent, in this order. */
  private readonly sent = new Map<string, WindowUse[]>()

  constructor(parts: WindowRunParts) {
    this.parts = parts
  }

  run(id: number, window: RequestRecord, unit: Unit, entries: NewEntry[], later: Later): void {
    if (unit.spooled) {
      if (this.parts.spool.isTooLarge) return later(TOO_MUCH_DATA)
      entries.push(spoolEntry(this.parts.spool, unit))
    }
    const waiting = { withdrawn: false }
    this.waiting.set(id, waiting)
    this.start(window, unit, waiting, later)
      .catch((error) => {
        this.parts.onFault(error)
        if (!waiting.withdrawn) later(NOT_NOW)
      })
      .finally(() => this.waiting.delete(id))
  }

  private async start(
    { id }: RequestRecord,
    unit: Unit,
    waiting: { readonly withdrawn: boolean },
    later: Later,
  ): Promise<void> {
    const { windows, recorder, session } = this.parts
    const refused = await this.confirm(id)
    if (refused !== null) return waiting.withdrawn ? undefined : later(refused)
    const use = await windows.begin(id, session)
    if (use === null) return waiting.withdrawn ? undefined : later(usedUp(id))
    if (waiting.withdrawn) return windows.end(id, use, 0)
    const excess = unit.spooled ? exceeds(this.parts.spool, unit, use.maxRows) : null
    if (excess !== null) {
      await windows.end(id, use, 0)
      return later(excess)
    }
    const comment = use.maxRows === null ? null : `at most ${use.maxRows} rows are left`
    try {
      recorder.append([{ kind: 'request', request: id, state: 'executed', by: null, comment }])
      recorder.sync()
    } catch (error) {
      // What could not be recorded is not sent.
      await windows.end(id, use, 0)
      throw error
    }
    this.sent.set(id, [...(this.sent.get(id) ?? []), use])
    later({ kind: 'approved', request: id, maxRows: use.maxRows })
  }

  /** Who it is now decides whether it runs, as for every approval. */
  private async confirm(id: string): Promise<Refused | null> {
    const { client, desk, runtime, mayUse } = this.parts
    try {
      const principal = await freshly(client, runtime)
      if (principal === null) throw noFreshToken()
      mayUse(principal)
      await desk.confirm(id, principal)
      return null
    } catch (error) {
      if (!(error instanceof HoopError)) throw error
      return refusedBy(error)
    }
  }

  /** False: it did not run in a window. */
  settle({ request, status, rows }: Extract<Report, { type: 'settled' }>): boolean {
    const use = this.sent.get(request)?.shift()
    if (use === undefined) return false
    const counted = status === 'ok' ? rows : status === 'error' ? 0 : null
    this.parts.windows.end(request, use, counted).catch(this.parts.onFault)
    return true
  }

  withdraw(id: number): void {
    const waiting = this.waiting.get(id)
    if (waiting !== undefined) waiting.withdrawn = true
  }

  /** What was sent and never came to an end used all that was reserved for it. */
  close(): void {
    for (const waiting of this.waiting.values()) waiting.withdrawn = true
    for (const [request, uses] of this.sent) {
      for (const use of uses.splice(0)) {
        this.parts.windows.end(request, use, null).catch(this.parts.onFault)
      }
    }
  }
}

function usedUp(id: string): Refused {
  return {
    kind: 'refused',
    sqlstate: '42501',
    message: `the window ${id} is over, or has no rows left`,
    hint: 'nothing was run; run it again, and it is held for approval',
  }
}

const NOT_NOW: Refused = {
  kind: 'refused',
  sqlstate: '58000',
  message: 'the window cannot be used at the moment',
  hint: 'nothing was run; see the log of the broker',
}
