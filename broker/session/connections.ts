import type { ClassRule, Connection } from '../../protocol/api/connections.ts'
import type { Config, ConnectionConfig } from '../config.ts'
import type { Principal } from '../identity/principal.ts'
import { CLASSES, type Rule } from '../policy/policy.ts'

/** What a person may reach, as far as they may know it: no host, no user, no secret. */
export function createConnectionService(config: Config) {
  return {
    list(caller: Principal): Connection[] {
      const mine = config.connections.filter(({ policy }) =>
        [...policy.request, ...policy.see].some((group) => caller.groups.includes(group)),
      )
      return mine.map(shown).sort((a, b) => a.name.localeCompare(b.name))
    },
  }
}

function shown({ name, kind, databases, policy }: ConnectionConfig): Connection {
  return {
    name,
    kind,
    classes: Object.fromEntries(CLASSES.map((each) => [each, ruleOf(policy.rules[each])])),
    masked: policy.mask.map(({ column, how }) => ({ column, how })),
    databases: [...databases],
  }
}

function ruleOf(rule: Rule): ClassRule {
  return { decision: rule.decision, needs: rule.decision === 'hold' ? [...rule.needs] : [] }
}
