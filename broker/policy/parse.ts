import type { StatementClass } from '../../protocol/pg/statement.ts'
import { parseColumn, showColumn } from './columns.ts'
import {
  checkDocument,
  Document,
  type Fault,
  FaultyFile,
  type Path,
  sortFaults,
} from './document.ts'
import {
  CLASSES,
  type ConnectionPolicy,
  type MaskRule,
  type Need,
  type Policy,
  type Rule,
} from './policy.ts'
import { type PolicyFile, policyFile } from './schema.ts'

type RawConnection = PolicyFile['connections'][string]
type RawRule = NonNullable<RawConnection['rules'][StatementClass]>
type RawMask = NonNullable<RawConnection['mask']>[string]

/** The policy of a file's text, or FaultyFile with everything that is wrong with it. */
export function parsePolicy(text: string, file: string): Policy {
  const { policy, faults } = readPolicy(new Document(text, file))
  if (policy === null) throw new FaultyFile('bad_policy', faults)
  return policy
}

/** Everything that is wrong with it; `[]` when nothing is. */
export function policyFaults(text: string, file: string): readonly Fault[] {
  return readPolicy(new Document(text, file)).faults
}

/** The policy that stands at `base` of a document: at its top, or inline in a configuration. */
export function readPolicy(
  document: Document,
  base: Path = [],
): { readonly policy: Policy | null; readonly faults: readonly Fault[] } {
  const { value, faults } = checkDocument(document, policyFile, base)
  if (value === null) return { policy: null, faults }
  const more = Object.entries(value.connections).flatMap(([name, raw]) =>
    crossFaults(document, [...base, 'connections', name], raw),
  )
  if (more.length) return { policy: null, faults: sortFaults(more) }
  const entries = Object.entries(value.connections)
  return {
    policy: { connections: new Map(entries.map(([name, raw]) => [name, connection(name, raw)])) },
    faults: [],
  }
}

/** What the schema cannot say: the same group or column, named twice. */
function crossFaults(document: Document, path: Path, raw: RawConnection): readonly Fault[] {
  const faults: Fault[] = []
  for (const name of CLASSES) {
    const twice = repeated(needsOf(raw.rules[name]).map((need) => need.group))
    const at = [...path, 'rules', name]
    if (twice) faults.push(document.fault(at, `the group ${twice} is named twice: say count: 2`))
  }
  const seen = new Set<string>()
  for (const key of Object.keys(raw.mask ?? {})) {
    const column = showColumn(parseColumn(key)!)
    const at = [...path, 'mask', key]
    if (seen.has(column)) faults.push(document.faultAtKey(at, `${column} has a rule already`))
    seen.add(column)
  }
  return faults
}

function connection(name: string, raw: RawConnection): ConnectionPolicy {
  return {
    connection: name,
    request: raw.request,
    see: raw.see ?? [],
    rules: rulesOf(raw.rules),
    mask: Object.entries(raw.mask ?? {}).map(([column, how]) => maskRule(column, how)),
  }
}

/** What is not said is denied; only session and transaction pass unsaid. */
function rulesOf(raw: RawConnection['rules']): ConnectionPolicy['rules'] {
  const said = (name: StatementClass, unsaid: Rule): Rule => {
    const rule = raw[name]
    return rule === undefined ? unsaid : ruleOf(rule)
  }
  const write = said('write', UNSAID)
  const ddl = said('ddl', UNSAID)
  const admin = said('admin', UNSAID)
  return {
    read: said('read', UNSAID),
    write,
    ddl,
    admin,
    session: said('session', { decision: 'allow' }),
    transaction: said('transaction', { decision: 'allow' }),
    unknown: said('unknown', notAllowed([write, ddl, admin])),
  }
}

const UNSAID: Rule = { decision: 'deny', reason: null }

/** What is not understood is treated as a write; where writes pass, as the first that does not. */
function notAllowed(rules: readonly Rule[]): Rule {
  return rules.find((rule) => rule.decision !== 'allow') ?? UNSAID
}

function ruleOf(raw: RawRule): Rule {
  if (raw === 'allow') return { decision: 'allow' }
  if (raw === 'deny') return UNSAID
  if ('deny' in raw) return { decision: 'deny', reason: raw.deny }
  return { decision: 'hold', needs: needsOf(raw) }
}

function needsOf(raw: RawRule | undefined): readonly Need[] {
  if (typeof raw !== 'object' || !('hold' in raw)) return []
  const list = Array.isArray(raw.hold) ? raw.hold : [raw.hold]
  return list.map((need) => (typeof need === 'string' ? { group: need, count: 1 } : need))
}

function maskRule(column: string, raw: RawMask): MaskRule {
  const name = parseColumn(column)!
  const rule = { column: showColumn(name), name }
  if (typeof raw === 'string') return { ...rule, how: raw }
  return { ...rule, how: 'partial', last: raw.partial.last }
}

function repeated(words: readonly string[]): string | null {
  return words.find((word, index) => words.indexOf(word) !== index) ?? null
}
