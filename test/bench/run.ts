import { readFileSync, writeFileSync } from 'node:fs'
import { arch, cpus, platform } from 'node:os'
import { parseArgs } from 'node:util'
import { startPostgres } from '../support/postgres.ts'
import { measureApproval } from './approval.ts'
import { HOOP_LEG, type HoopLeg } from './hoop-leg.ts'
import { DIRECT, type Leg, type RunningLeg, type Target } from './leg.ts'
import { type Load, loads, missing, prepare } from './load.ts'
import { cpuSeconds } from './processes.ts'
import { Results, replaceSection, table } from './report.ts'
import { SSH } from './ssh-leg.ts'
import { UNPARSED } from './unparsed-leg.ts'

/**
 * `npm run bench`: the same load directly, through `ssh -L`, through a tunnel that understands
 * nothing, and through hoop with policy, masking and recording on. In rounds, leg after leg, so that
 * whatever else the machine does falls on all of them; medians, as ratios of direct.
 */

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    legs: { type: 'string', default: 'direct,ssh -L,unparsed tunnel,hoop' },
    /** A round that does not count: a broker that people use is not one that has just started. */
    warmup: { type: 'string', default: '3' },
    /** Part of the names of the loads. */
    only: { type: 'string', default: '' },
    /** Puts the table into docs/performance.md. */
    write: { type: 'boolean', default: false },
  },
})

const DOCUMENT = new URL('../../docs/performance.md', import.meta.url)
const say = (text: string): boolean => process.stderr.write(`${text}\n`)

async function main(): Promise<void> {
  const lacking = await missing()
  if (lacking !== null) throw new Error(lacking)
  const server = await startPostgres({
    settings: { shared_buffers: '512MB', max_connections: '60', autovacuum: 'off' },
  })
  try {
    const target = { server, database: 'bench', user: 'bench', password: 'bench' }
    say('preparing a million rows, three times')
    await prepare(target)
    await measure(target)
  } finally {
    await server.stop()
  }
}

async function measure(target: Target): Promise<void> {
  const isChosen = ({ name }: Load): boolean => name.includes(flags.only)
  const chosen = loads(Number(flags.seconds)).filter(isChosen)
  const { running, remarks } = await startLegs(target)
  const results = new Results()
  try {
    for (const load of loads(Number(flags.warmup)).filter(isChosen)) {
      for (const leg of running.values()) await load.measure(leg)
    }
    for (let round = 1; round <= Number(flags.rounds); round++) {
      for (const load of chosen) await measureOnce(load, running, results, round)
    }
    const hoop = running.get(HOOP_LEG)
    if (hoop !== undefined && (flags.only === '' || flags.only === 'approval')) {
      remarks.push(await measureApproval(hoop as HoopLeg, target))
    }
  } finally {
    for (const leg of running.values()) await leg.stop()
  }
  show(chosen, [...running.keys()], results, remarks)
}

async function startLegs(
  target: Target,
): Promise<{ running: Map<Leg, RunningLeg>; remarks: string[] }> {
  const running = new Map<Leg, RunningLeg>()
  const remarks: string[] = []
  for (const leg of [DIRECT, SSH, UNPARSED, HOOP_LEG]) {
    if (!flags.legs.split(',').includes(leg.name)) continue
    const started = await leg.start(target)
    if (typeof started === 'string') remarks.push(`${leg.name}: ${started}`)
    else running.set(leg, started)
  }
  return { running, remarks }
}

async function measureOnce(
  load: Load,
  running: ReadonlyMap<Leg, RunningLeg>,
  results: Results,
  round: number,
): Promise<void> {
  const said: string[] = []
  for (const [leg, started] of running) {
    const [from, before] = [performance.now(), cpuSeconds(started.pids)]
    const value = await load.measure(started)
    const done = (value * (performance.now() - from)) / 1000
    const each = before.map((used, at) => cpuSeconds(started.pids)[at]! - used)
    const cpu = each.map((used) => ((used / done) * 1e6).toFixed(1)).join(' + ')
    results.add(load, leg, value)
    said.push(`${leg.name} ${Math.round(value)}${cpu && ` (${cpu} µs CPU each)`}`)
  }
  say(`round ${round}: ${load.name}: ${said.join(', ')} ${load.unit}`)
}

function show(
  chosen: readonly Load[],
  legs: readonly Leg[],
  results: Results,
  remarks: readonly string[],
): void {
  const names = legs.map(({ name }) => name)
  const machine = `Node ${process.version} on ${platform()}-${arch()}, ${cpus().length} cores; ${flags.rounds} rounds of ${flags.seconds} s, medians.`
  const section = [table(chosen, names, results), ...remarks, machine].join('\n\n')
  process.stdout.write(`${section}\n`)
  if (flags.write) {
    writeFileSync(DOCUMENT, replaceSection(readFileSync(DOCUMENT, 'utf8'), section))
  }
}

await main()
