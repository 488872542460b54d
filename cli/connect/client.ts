import { spawn } from 'node:child_process'
import { constants } from 'node:os'

/** As a shell counts: the program is not there, or cannot be run. */
const NOT_FOUND = 127
const NOT_RUNNABLE = 126

/** Keys of the terminal: they reach the client by themselves, and only it knows what they mean. */
const FROM_TERMINAL = ['SIGINT', 'SIGQUIT'] as const
/** Sent to us alone: passed on, so that the client can clean up; we end when it has. */
const PASSED_ON = ['SIGTERM', 'SIGHUP'] as const

export interface ClientEnd {
  /** As the client, 128 + n where signal n ended it. */
  readonly code: number
  /** Set where it could not be started at all. */
  readonly fault: string | null
}

/** Runs the client with our terminal and gives how it ended. */
export function runClient(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<ClientEnd> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'inherit', env })
    const release = guardSignals((signal) => child.kill(signal))
    const end = (result: ClientEnd) => {
      release()
      resolve(result)
    }
    child.once('error', (error) => end(notStarted(program, error)))
    child.once('exit', (code, signal) => {
      const number = signal === null ? 0 : (constants.signals[signal] ?? 0)
      end({ code: code ?? 128 + number, fault: null })
    })
  })
}

function notStarted(program: string, error: Error): ClientEnd {
  const missing = 'code' in error && error.code === 'ENOENT'
  return missing
    ? { code: NOT_FOUND, fault: `${program} is not installed, or not on the PATH.` }
    : { code: NOT_RUNNABLE, fault: `${program} cannot be started: ${error.message}.` }
}

function guardSignals(passOn: (signal: NodeJS.Signals) => void): () => void {
  const ignore = () => undefined
  const send = (signal: NodeJS.Signals) => passOn(signal)
  for (const signal of FROM_TERMINAL) process.on(signal, ignore)
  for (const signal of PASSED_ON) process.on(signal, send)
  return () => {
    for (const signal of FROM_TERMINAL) process.off(signal, ignore)
    for (const signal of PASSED_ON) process.off(signal, send)
  }
}
