/** Statements judged as the broker judges them: a policy's text, SQL, and a catalogue. */
import * as parser from 'libpg-query'
import { type ProtectedColumns, protectColumns } from '../../../broker/masking/protect.ts'
import { decide, type Question, type Verdict } from '../../../broker/policy/decide.ts'
import { parsePolicy } from '../../../broker/policy/parse.ts'
import type { ConnectionPolicy } from '../../../broker/policy/policy.ts'
import type { Catalogue } from '../../../protocol/pg/catalogue.ts'
import { facts } from '../../../protocol/pg/facts.ts'
import type { Analysis } from '../../../protocol/pg/statement.ts'

export const CONNECTION = 'pg-prod'

/** `lines`: what stands below the connection. */
export function policyWith(lines: string): ConnectionPolicy {
  const text = `connections:\n  ${CONNECTION}:\n    request: [engineers]\n${lines}`
  return parsePolicy(text, 'policy.yaml').connections.get(CONNECTION)!
}

export async function loadParser(): Promise<void> {
  await parser.loadModule()
}

export class Judging {
  readonly policy: ConnectionPolicy
  readonly catalogue: Catalogue
  readonly protect: ProtectedColumns

  constructor(policy: ConnectionPolicy, catalogue: Catalogue) {
    this.policy = policy
    this.catalogue = catalogue
    this.protect = protectColumns(policy.mask, catalogue, Buffer.alloc(32))
  }

  verdict(sql: string, guessed = 0): Verdict {
    return decide(this.question(sql, guessed), this.policy)
  }

  question(sql: string, guessed = 0): Question {
    const analysis = this.analyse(sql)
    const isProtected = (table: number, column: number): boolean =>
      this.protect.wanted(table, column) !== null
    const world = { catalogue: this.catalogue, isProtected }
    const statements = analysis.ok ? analysis.statements : null
    return { statements, groups: ['engineers'], world, guessed }
  }

  decision(sql: string, guessed = 0): string {
    return this.verdict(sql, guessed).decision
  }

  private analyse(sql: string): Analysis {
    const text = Buffer.from(sql)
    try {
      return facts(parser.parseSync(sql), text, this.catalogue, ['public'], parser.parseSync)
    } catch {
      return { ok: false, reason: 'syntax', message: 'no parse', length: text.length }
    }
  }
}
