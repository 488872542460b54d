import type { Catalogue } from '../../protocol/pg/catalogue.ts'
import type { Analyst } from '../analysis/analyst.ts'
import { policyOf, type Rules } from '../changes/in-force.ts'
import type { ConnectionConfig } from '../config.ts'
import { Detector } from '../masking/detect/detector.ts'
import { type More, type ProtectedColumns, protectColumns } from '../masking/protect.ts'
import type { World } from '../policy/decide.ts'
import { Secrets } from './secrets.ts'

/** What is shared by all sessions on one database of one connection: its analyst, its masks. */
export interface Target {
  readonly connection: ConnectionConfig
  readonly database: string
  readonly analyst: Analyst
  /** current_schemas(true) of a session in which nobody has changed it. */
  readonly searchPath: readonly string[]
  /** The protected columns, by the catalogue and the policy as they are now. */
  protect(): ProtectedColumns
  /** The same by another catalogue, and with columns that the rules do not name. */
  protectMore(catalogue: Catalogue, more: More): ProtectedColumns
  /** The same, and the catalogue, as the policy asks for them. */
  world(): World
  /** What is looked for beside them, by the policy as it is now. */
  detector(): Detector
  /** For one session: what is typed into SQL and must not be read by others. */
  newSecrets(): Secrets
}

export interface OpenedTarget {
  readonly analyst: Analyst
  readonly searchPath: readonly string[]
}

/** Targets are opened when the first person comes, and kept. */
export class Targets {
  private readonly opened = new Map<string, Promise<Target>>()
  private readonly open: (connection: ConnectionConfig, database: string) => Promise<OpenedTarget>
  private readonly rules: () => Rules
  private readonly key: Buffer

  /** `key`: of the hashes that stand for masked values. */
  constructor(
    open: (connection: ConnectionConfig, database: string) => Promise<OpenedTarget>,
    rules: () => Rules,
    key: Buffer,
  ) {
    this.open = open
    this.rules = rules
    this.key = key
  }

  get(connection: ConnectionConfig, database: string): Promise<Target> {
    // A connection that was changed is another one; who is in the old one stays there.
    const name = JSON.stringify([connection, database])
    const known = this.opened.get(name)
    if (known !== undefined) return known
    const opening = this.make(connection, database)
    this.opened.set(name, opening)
    opening.catch(() => this.opened.delete(name))
    return opening
  }

  async close(): Promise<void> {
    const all = await Promise.allSettled(this.opened.values())
    this.opened.clear()
    for (const each of all) if (each.status === 'fulfilled') await each.value.analyst.close()
  }

  private async make(connection: ConnectionConfig, database: string): Promise<Target> {
    const { analyst, searchPath } = await this.open(connection, database)
    const protect = this.protection(connection.name, analyst)
    const protectMore: Target['protectMore'] = (catalogue, more) =>
      protectColumns(policyOf(this.rules(), connection.name).mask, catalogue, this.key, more)
    const isProtected: World['isProtected'] = (table, column) =>
      protect().wanted(table, column) !== null
    const world = (): World => ({ catalogue: analyst.catalogue(), isProtected })
    const detector = this.detection(connection.name)
    const newSecrets = (): Secrets => new Secrets(this.key)
    return {
      ...{ connection, database, analyst, searchPath },
      ...{ protect, protectMore, world, detector, newSecrets },
    }
  }

  /** Made again when the catalogue is another one, or the policy. */
  private protection(connection: string, analyst: Analyst): () => ProtectedColumns {
    let version = -1
    let by: Rules | null = null
    let columns: ProtectedColumns | null = null
    return () => {
      const catalogue = analyst.catalogue()
      const rules = this.rules()
      if (columns !== null && catalogue.version === version && by === rules) return columns
      columns = protectColumns(policyOf(rules, connection).mask, catalogue, this.key)
      version = catalogue.version
      by = rules
      return columns
    }
  }

  private detection(connection: string): () => Detector {
    let by: Rules | null = null
    let detector: Detector | null = null
    return () => {
      const rules = this.rules()
      if (detector !== null && by === rules) return detector
      detector = new Detector(policyOf(rules, connection).detect, this.key)
      by = rules
      return detector
    }
  }
}
