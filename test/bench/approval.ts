import pg from 'pg'
import type { HoopLeg } from './hoop-leg.ts'
import type { Target } from './leg.ts'

const UPDATE = 'UPDATE pgbench_tellers SET tbalance = tbalance + 1 WHERE tid = 1'
const REQUEST = /r-[0-9a-hjkmnp-tv-z]{10}/
const ROUNDS = 200
/** Tokens are fresh then, and code is compiled: what is measured is an approval with a fresh token. */
const WARM_UP = 40

/** How long it takes from an approver's call to the answer in the client, beside the same UPDATE directly. */
export async function measureApproval(leg: HoopLeg, target: Target): Promise<string> {
  const bob = await leg.person('bob')
  const { host, port, superuser: user, password } = target.server
  const direct = new pg.Client({ host, port, user, password, database: target.database })
  const client = new pg.Client({
    host: leg.env['PGHOST']!,
    port: Number(leg.env['PGPORT']),
    user: leg.env['PGUSER']!,
    password: leg.env['PGPASSWORD']!,
    database: leg.env['PGDATABASE']!,
  })
  await Promise.all([direct.connect(), client.connect()])
  const [approved, plain]: [number[], number[]] = [[], []]
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const held = nextRequest(client)
    const done = client.query(UPDATE)
    const id = await held
    approved.push(
      await timed(() =>
        Promise.all([done, bob.request('POST', `/v1/requests/${id}/approve`, { body: {} })]),
      ),
    )
    plain.push(await timed(() => direct.query(UPDATE)))
  }
  await Promise.all([direct.end(), client.end()])
  return `From an approver's call to the result in the client, ${ROUNDS} UPDATEs: ${quantiles(approved.slice(WARM_UP))} (directly: ${quantiles(plain.slice(WARM_UP))}).`
}

function nextRequest(client: pg.Client): Promise<string> {
  return new Promise((resolve) => {
    const look = ({ message }: { message?: string | undefined }): void => {
      const id = message?.match(REQUEST)?.[0]
      if (id === undefined) return
      client.off('notice', look)
      resolve(id)
    }
    client.on('notice', look)
  })
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await run()
  return performance.now() - started
}

function quantiles(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (part: number): string => `${sorted[Math.floor(sorted.length * part)]!.toFixed(1)} ms`
  return `p50 ${at(0.5)}, p99 ${at(0.99)}`
}
