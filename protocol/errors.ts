/** Whose fault it is. The first question an operator asks, so it is in the type. */
export type Fault = 'client' | 'upstream' | 'policy' | 'hoop'

/** Exit codes of the command line: docs of each in README.md. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  login: 3,
  refused: 4,
  rejected: 5,
  undecided: 6,
  unreachable: 7,
  evidence: 8,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export interface HoopErrorInit {
  /** Stable, machine-readable, snake_case: `not_logged_in`. */
  readonly code: string
  /** What happened and why, one sentence, no secret in it. */
  readonly message: string
  /** What to do now. */
  readonly hint?: string
  readonly exit?: ExitCode
  readonly fault?: Fault
  readonly cause?: unknown
}

/** Every error that a person may see. Anything else that is thrown is a bug. */
export class HoopError extends Error {
  override readonly name = 'HoopError'
  readonly code: string
  readonly hint: string | null
  readonly exit: ExitCode
  readonly fault: Fault

  constructor(init: HoopErrorInit) {
    super(init.message, init.cause === undefined ? {} : { cause: init.cause })
    this.code = init.code
    this.hint = init.hint ?? null
    this.exit = init.exit ?? EXIT.failed
    this.fault = init.fault ?? 'hoop'
  }
}
