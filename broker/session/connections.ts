import type { ClassRule, Connection } from '../../protocol/api/connections.ts'
import { type InForce, policyOf } from '../changes/in-force.ts'
import type { ConnectionConfig } from '../config.ts'
import type { Principal } from '../identity/principal.ts'
import { CLASSES, type ConnectionPolicy, type Rule } from '../policy/policy.ts'

/** What a person may reach, as far as they may know it: no host, no user, no secret. */
export function createConnectionService(inForce: InForce) {
  return {
    list(caller: Principal): Connection[] {
      const rules = inForce.rules()
      const all = inForce.connections().map((each) => [each, policyOf(rules, each.name)] as const)
      const mine = all.filter(([, { request, see, breakGlass }]) =>
        [...request, ...see, ...(breakGlass?.groups ?? [])].some((group) =>
          caller.groups.includes(group),
        ),
      )
      return mine.map(shown).sort((a, b) => a.name.localeCompare(b.name))
    },
  }
}

function shown([connection, policy]: readonly [ConnectionConfig, ConnectionPolicy]): Connection {
  const { name, kind, databases } = connection
  return {
    name,
    kind,
    classes: Object.fromEntries(CLASSES.map((each) => [each, ruleOf(policy.rules[each])])),
    masked: policy.mask.map(({ column, how }) => ({ column, how })),
    databases: [...databases],
  }
}

function ruleOf(rule: Rule): ClassRule {
  if (rule.decision !== 'hold') return { decision: rule.decision, needs: [], alternatives: [] }
  const alternatives = rule.alternatives.map((way) => [...way])
  return { decision: 'hold', needs: [...rule.needs], alternatives }
}
