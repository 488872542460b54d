import { createHash } from 'node:crypto'
import type { Request } from '../../protocol/api/requests.ts'
import type { AskWindow, WindowTerms } from '../../protocol/api/windows.ts'
import { parseSpan } from '../../protocol/calendar.ts'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import { showDuration } from '../../protocol/units.ts'
import { presentRequest } from '../approval/present.ts'
import { windowFacts } from '../approval/window.ts'
import { appliedRule } from '../changes/authors.ts'
import { policyOf } from '../changes/in-force.ts'
import type { Principal } from '../identity/principal.ts'
import { parseTable } from '../policy/columns.ts'
import type { Asked, ConnectionPolicy } from '../policy/policy.ts'
import { together } from '../policy/ways.ts'
import { mayConnect, type SessionDeps } from './open.ts'

const DAY_MINUTES = 1440
const MINUTE = 60_000
/** A window that comes back every week ends for good, too. */
const LONGEST_RECURRING = 366 * DAY_MINUTES * MINUTE

/** `hoop request`: a window is asked for as a statement is, and decided by the same persons. */
export function createWindowService(deps: SessionDeps) {
  return {
    async ask(
      caller: Principal,
      { connection: name, window, reason }: AskWindow,
    ): Promise<Request> {
      mayConnect(deps.inForce, caller, name)
      const rules = deps.inForce.rules()
      const policy = policyOf(rules, name)
      const asked = needsOf(window, policy)
      checkTerms(window, policy)
      const statement = describe(name, window)
      const record = await deps.desk.open({
        kind: 'window',
        session: null,
        requester: caller,
        connection: name,
        database: '',
        statement,
        parameters: [],
        class: window.classes.join(', '),
        effect: effectOf(window),
        digest: createHash('sha256').update(statement).digest('hex'),
        size: Buffer.byteLength(statement),
        reason,
        ...asked,
        separate: policy.separate,
        escalate: policy.escalate,
        expiresAt: deps.runtime.now() + deps.config.approval.expiresAfter,
        inTransaction: false,
        facts: windowFacts(window),
        rule: appliedRule(rules.authors, name, window.classes),
        policyVersion: rules.version,
      })
      return presentRequest(record, deps.runtime.now())
    },
  }
}

/** Whoever would approve each statement of it one by one, or those whom the policy names for windows. */
function needsOf({ classes }: WindowTerms, policy: ConnectionPolicy): Asked {
  const { windows, connection } = policy
  if (windows === null) throw refused(`${connection} has no windows`, 'ask for each statement')
  const closed = classes.find((name) => !windows.classes.includes(name))
  if (closed !== undefined) {
    throw refused(
      `windows on ${connection} open ${windows.classes.join(', ')}, not ${closed}`,
      null,
    )
  }
  const denied = classes.find((name) => policy.rules[name].decision === 'deny')
  if (denied !== undefined) throw refused(`${connection} denies ${denied} statements`, null)
  const held = classes.map((name) => policy.rules[name]).filter((one) => one.decision === 'hold')
  if (held.length === 0) {
    throw usage(`${classes.join(', ')} statements pass on ${connection} without a window`)
  }
  if (windows.by !== null) return { needs: windows.by, alternatives: [] }
  const asked = together(held)
  if (asked !== null) return asked
  throw refused(`${connection} could approve this in more ways than hoop looks at`, null)
}

function checkTerms(window: WindowTerms, { connection, windows }: ConnectionPolicy): void {
  const atMost = windows?.atMost ?? 0
  const { every, tables, classes } = window
  for (const name of tables ?? []) {
    const found = parseTable(name)
    if (found === null || found.columns !== null) throw usage(`${name} does not name a table`)
  }
  const others = classes.filter((name) => name !== 'write' && name !== 'read')
  if ((tables !== null || window.max_rows !== null) && others.length > 0) {
    throw usage(`tables and rows bound what is written, not ${others.join(', ')}`)
  }
  const long = every === null ? window.for_ms : occurrence(every)
  if (long > atMost) {
    throw refused(`a window on ${connection} lasts ${showDuration(atMost)} at most`, null)
  }
  if (window.for_ms > LONGEST_RECURRING) throw usage('a window ends within a year')
}

/** How long each of them is; clocks that change make it an hour more or less. */
function occurrence({ span, zone }: NonNullable<WindowTerms['every']>): number {
  const found = parseSpan(span, zone)
  if (found === null) {
    throw usage(`"${span}" in ${zone} is no span of the week`, 'write it like "sat 22:00-02:00"')
  }
  return (((found.to - found.from + DAY_MINUTES - 1) % DAY_MINUTES) + 1) * MINUTE
}

/** What is approved, whole: the approver's screen and the digest have nothing else. */
function describe(connection: string, window: WindowTerms): string {
  const { every } = window
  return [
    `window on ${connection}`,
    `for ${showDuration(window.for_ms)} from the approval on`,
    every === null ? 'at any time of it' : `only ${every.span} (${every.zone})`,
    `classes: ${window.classes.join(', ')}`,
    `writes to: ${window.tables?.join(', ') ?? 'any table'}`,
    `rows: ${window.max_rows === null ? 'not bounded' : `${window.max_rows} at most, together`}`,
  ].join('\n')
}

function effectOf({ classes, tables, max_rows, for_ms, every }: WindowTerms): string {
  const where = tables === null ? '' : ` on ${tables.join(', ')}`
  const rows = max_rows === null ? '' : `, ${max_rows} rows at most`
  const when = every === null ? '' : `, only ${every.span} (${every.zone})`
  return `any ${classes.join(', ')}${where} for ${showDuration(for_ms)}${when}${rows}`
}

function refused(message: string, hint: string | null): HoopError {
  return new HoopError({
    code: 'not_allowed',
    message,
    hint: hint ?? 'the policy says so: hoop connections',
    exit: EXIT.refused,
    fault: 'policy',
  })
}

function usage(message: string, hint = 'see hoop request --help'): HoopError {
  return new HoopError({ code: 'bad_window', message, hint, exit: EXIT.usage, fault: 'client' })
}
