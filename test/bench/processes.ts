import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Finished {
  readonly stdout: string
  readonly stderr: string
  readonly seconds: number
}

/** Runs a program to its end. Its stdout is kept, or read and thrown away (`discard`). */
export async function run(
  program: string,
  args: readonly string[],
  options: { env?: Readonly<Record<string, string>>; input?: string; discard?: boolean } = {},
): Promise<Finished> {
  const started = performance.now()
  const child = spawn(program, args, {
    env: { ...process.env, ...options.env },
    stdio: ['pipe', options.discard === true ? 'ignore' : 'pipe', 'pipe'],
  })
  child.stdin?.end(options.input ?? '')
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
  const [code] = (await once(child, 'close')) as [number | null]
  const seconds = (performance.now() - started) / 1000
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${stderr()}`)
  return { stdout: stdout(), stderr: stderr(), seconds }
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = ''
  stream?.setEncoding('utf8').on('data', (more: string) => {
    text += more
  })
  return () => text
}

/** Starts a script of ours that says one line on stdout when it is ready; gives back that line. */
export async function startScript(
  script: string,
  args: readonly string[],
): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const line = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout?.setEncoding('utf8').on('data', (more: string) => {
      text += more
      const end = text.indexOf('\n')
      if (end >= 0) resolve(text.slice(0, end))
    })
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code}`)))
  })
  return { child, line }
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'exit')
  child.kill('SIGTERM')
  await closed
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Asks again until it is so; the bench waits for other people's programs, which do not say. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let left = 200; left > 0; left--) {
    if (await isSo()) return
    await sleep(50)
  }
  throw new Error(`${what} is not there after 10 s`)
}

/** CPU seconds that each process has used so far (Linux; elsewhere nothing is known). */
export function cpuSeconds(pids: readonly number[]): number[] {
  if (process.platform !== 'linux') return []
  return pids.map((pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  })
}
