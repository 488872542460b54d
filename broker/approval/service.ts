import type { Approve, Duties, Request } from '../../protocol/api/requests.ts'
import type { Join, RequestFilter, RequestRecord, Store } from '../store/store.ts'
import type { Desk } from './desk.ts'
import { eligible, type Moment, maySee } from './eligible.ts'
import { unknownRequest } from './errors.ts'
import { type Decider, personOf, samePerson } from './person.ts'
import { presentRequest } from './present.ts'
import { presentDuties } from './present-duties.ts'

/** So many earlier requests of the same shape are looked at. */
const LIKE_IT = 5

export interface View {
  readonly view: 'inbox' | 'mine' | 'all'
  readonly connection?: string | undefined
  readonly limit: number
}

/**
 * The desk as the API shows it (RequestService of broker/api/deps.ts). Those who may not see a
 * request are told that it does not exist; those who try to decide it are told why they cannot.
 */
export function createRequestService(
  desk: Desk,
  store: Pick<Store, 'people'>,
  now: () => number,
  onCall: OnCall = (groups) => groups,
) {
  const joining = (caller: Decider, requests: readonly RequestRecord[]): Promise<Join> =>
    store.people.joining([...caller.keys, ...requests.flatMap((one) => one.requester.keys)])
  const shown = (request: RequestRecord): Request => presentRequest(request, now())
  const visible = async (caller: Decider, id: string): Promise<RequestRecord> => {
    const request = await desk.get(id)
    if (!maySee(request, caller, { now: now(), join: await joining(caller, [request]) }))
      throw unknownRequest(id)
    return request
  }
  const past = async (caller: Decider, request: RequestRecord) => {
    const { id, connection } = request
    const filter = { alike: id, connection, olderThan: id, limit: LIKE_IT }
    const [before, similar] = await Promise.all([desk.rejectedBefore(request), desk.list(filter)])
    const moment = { now: now(), join: await joining(caller, similar) }
    return { before, similar: similar.filter((each) => maySee(each, caller, moment)) }
  }
  return {
    list: async (caller: Decider, view: View): Promise<readonly Request[]> =>
      (await collect({ desk, joining, now }, caller, view)).map((request) => shown(request)),
    get: async (caller: Decider, id: string): Promise<Request> => {
      const request = await visible(caller, id)
      return presentRequest(request, now(), await past(caller, request))
    },
    statement: async (caller: Decider, id: string): Promise<Buffer> =>
      Buffer.from((await visible(caller, id)).statement),
    approve: async (caller: Decider, id: string, how: Approve): Promise<Request> => {
      const { comment, digest, max_rows: maxRows } = how
      return shown(await desk.approve(id, caller, { comment, digest, maxRows }))
    },
    reject: async (caller: Decider, id: string, reason: string): Promise<Request> =>
      shown(await desk.reject(id, caller, reason)),
    cancel: async (caller: Decider, id: string, reason: string | null): Promise<Request> =>
      shown(await desk.cancel(id, caller, reason)),
    /** Those who may not see it learn nothing by asking, either. */
    ask: async (caller: Decider, id: string, text: string): Promise<Request> => {
      await visible(caller, id)
      return shown(await desk.ask(id, caller, text))
    },
    answer: async (caller: Decider, id: string, text: string): Promise<Request> => {
      await visible(caller, id)
      return shown(await desk.answer(id, caller, text))
    },
    revoke: async (caller: Decider, id: string, reason: string | null): Promise<Request> =>
      shown(await desk.revoke(id, caller, reason)),
    duties: async (caller: Decider, id: string): Promise<Duties> => {
      const request = await visible(caller, id)
      const met = await store.people.all(200)
      const known = met.map((one) => ({ ...one, groups: onCall(one.groups, now()) }))
      const { requester, rule } = request
      const keys = [...[caller, requester, ...known].flatMap((one) => one.keys), ...rule.authors]
      return presentDuties(request, caller, known, {
        now: now(),
        join: await store.people.joining(keys),
      })
    },
    /** Of the inbox, too, every change, in order: what another has decided leaves it. */
    watch: (caller: Decider, view: View['view'], handler: (request: Request) => void) => {
      let last = Promise.resolve()
      let isOver = false
      const tell = async (request: RequestRecord): Promise<void> => {
        const join = await joining(caller, [request])
        const wanted = !isOver && isHeard(request, { caller, now: now(), join }, view)
        if (wanted) handler(shown(request))
      }
      const stop = desk.onChange((request) => {
        last = last.then(
          () => tell(request),
          () => tell(request),
        )
        return last
      })
      const cancel = (): void => {
        isOver = true
        stop()
      }
      return { cancel }
    },
    /** To be told of everybody who comes: `sod explain` can then name them. */
    saw: acquaintance(store, now),
  }
}

const AGAIN_AFTER = 10 * 60_000
const REMEMBERED = 10_000

/** Writes a person down when something about them is new, and else every ten minutes at most. */
function acquaintance(store: Pick<Store, 'people'>, now: () => number) {
  const known = new Map<string, { readonly text: string; readonly at: number }>()
  return async (caller: Decider): Promise<void> => {
    const at = Math.floor(now())
    const person = { ...personOf(caller), roles: [...caller.roles] }
    const text = JSON.stringify(person)
    const key = JSON.stringify([person.issuer, person.subject])
    const before = known.get(key)
    if (before?.text === text && at - before.at < AGAIN_AFTER) return
    if (known.size >= REMEMBERED) known.clear()
    known.set(key, { text, at })
    await store.people.saw({ ...person, seenAt: at })
  }
}

const PAGE = 200

/** The groups of a person with those whose turn it is at that time. */
type OnCall = (groups: readonly string[], now: number) => readonly string[]

interface Reading {
  readonly now: () => number
  readonly desk: Desk
  readonly joining: (caller: Decider, requests: readonly RequestRecord[]) => Promise<Join>
}

/** Reads page by page until enough are found that may be seen. */
async function collect(
  { desk, joining, now }: Reading,
  caller: Decider,
  view: View,
): Promise<readonly RequestRecord[]> {
  const found: RequestRecord[] = []
  const filter: RequestFilter = { ...filterOf(caller, view), limit: PAGE }
  let page = await desk.list(filter)
  for (;;) {
    const join = await joining(caller, page)
    found.push(...page.filter((request) => wanted(request, { caller, now: now(), join }, view)))
    if (found.length >= view.limit || page.length < PAGE) return found.slice(0, view.limit)
    page = await desk.list({ ...filter, olderThan: page.at(-1)!.id })
  }
}

function filterOf(caller: Pick<Decider, 'keys'>, view: View): RequestFilter {
  const connection: RequestFilter =
    view.connection === undefined ? {} : { connection: view.connection }
  if (view.view === 'inbox') return { ...connection, states: ['pending'] }
  if (view.view === 'mine') return { ...connection, requester: caller }
  return connection
}

interface Known extends Moment {
  readonly caller: Decider
}

function wanted(request: RequestRecord, who: Known, { view }: View): boolean {
  if (!belongs(request, who, view)) return false
  const me = who.join(who.caller.keys)
  return view !== 'inbox' || !request.decisions.some((made) => samePerson(made.by, me))
}

/** An emergency is told to every approver and auditor, whether or not they review it. */
function isHeard(request: RequestRecord, who: Known, view: View['view']): boolean {
  const { roles } = who.caller
  const loud = request.kind === 'break_glass' && request.state === 'pending'
  const told = loud && (roles.includes('approver') || roles.includes('auditor'))
  return (told && view !== 'mine') || belongs(request, who, view)
}

function belongs(
  request: RequestRecord,
  { caller, now, join }: Known,
  view: View['view'],
): boolean {
  const moment = { now, join }
  if (view === 'all') return maySee(request, caller, moment)
  if (view === 'mine') return samePerson(request.requester, join(caller.keys))
  return eligible(request, caller, moment).may
}
