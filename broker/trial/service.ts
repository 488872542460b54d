import type { Tested, TestPolicy } from '../../protocol/api/trial.ts'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import type { InForce } from '../changes/in-force.ts'
import type { Principal } from '../identity/principal.ts'
import { parsePolicy } from '../policy/parse.ts'
import { chooseDatabase } from '../session/open.ts'
import type { Target, Targets } from '../session/target.ts'
import { Trial } from './ground.ts'

export interface TrialDeps {
  readonly inForce: InForce
  readonly targets: Pick<Targets, 'get'>
}

/** The target, whoever asks: what a policy would do there is for those who look after policies. */
export function targetOf(
  { inForce, targets }: TrialDeps,
  name: string,
  database: string | null,
): Promise<Target> {
  const connection = inForce.connections().find((each) => each.name === name)
  if (connection === undefined) throw unknownConnection(name)
  return targets.get(connection, chooseDatabase(connection, database))
}

/** `hoop policy test --broker`. */
export async function testPolicy(
  deps: TrialDeps,
  caller: Principal,
  { policy, file, cases }: TestPolicy,
): Promise<Tested> {
  requireOverseer(caller)
  const trial = new Trial(parsePolicy(policy, file), (name, database) =>
    targetOf(deps, name, database),
  )
  const outcomes: Tested = []
  for (const one of cases) {
    const { decision, rule, places, reason, needs, ways, masked } = await trial.judge(one)
    outcomes.push({
      ...{ decision, rule, reason },
      ...{ places: [...places], needs: [...needs], masked: [...masked] },
      ways: ways.map((way) => [...way]),
    })
  }
  return outcomes
}

/** What it tells goes beyond what one person may do, or did. */
export function requireOverseer({ roles }: Principal): void {
  if (roles.includes('auditor') || roles.includes('admin')) return
  throw new HoopError({
    code: 'overseers_only',
    message: 'Trying a policy on the broker is for auditors and administrators.',
    hint: '`hoop policy test FILE` without --broker needs nobody.',
    exit: EXIT.refused,
    fault: 'policy',
  })
}

function unknownConnection(name: string): HoopError {
  return new HoopError({
    code: 'unknown_connection',
    message: `The broker has no connection ${name}.`,
    hint: 'see what it has: hoop connections',
    exit: EXIT.usage,
    fault: 'client',
  })
}
