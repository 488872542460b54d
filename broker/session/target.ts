import type { Analyst } from '../analysis/analyst.ts'
import type { ConnectionConfig } from '../config.ts'
import { Detector } from '../masking/detect/detector.ts'
import { type ProtectedColumns, protectColumns } from '../masking/protect.ts'
import type { World } from '../policy/decide.ts'
import { Secrets } from './secrets.ts'

/** What is shared by all sessions on one database of one connection: its analyst, its masks. */
export interface Target {
  readonly connection: ConnectionConfig
  readonly database: string
  readonly analyst: Analyst
  /** current_schemas(true) of a session in which nobody has changed it. */
  readonly searchPath: readonly string[]
  /** The protected columns, by the catalogue as it is known now. */
  protect(): ProtectedColumns
  /** The same, and the catalogue, as the policy asks for them. */
  world(): World
  readonly detector: Detector
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
  private readonly key: Buffer

  /** `key`: of the hashes that stand for masked values. */
  constructor(
    open: (connection: ConnectionConfig, database: string) => Promise<OpenedTarget>,
    key: Buffer,
  ) {
    this.open = open
    this.key = key
  }

  get(connection: ConnectionConfig, database: string): Promise<Target> {
    const name = `${connection.name}/${database}`
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
    let version = -1
    let columns: ProtectedColumns | null = null
    const protect = (): ProtectedColumns => {
      const catalogue = analyst.catalogue()
      if (columns === null || catalogue.version !== version) {
        columns = protectColumns(connection.policy.mask, catalogue, this.key)
        version = catalogue.version
      }
      return columns
    }
    const isProtected: World['isProtected'] = (table, column) =>
      protect().wanted(table, column) !== null
    const world = (): World => ({ catalogue: analyst.catalogue(), isProtected })
    const detector = new Detector(connection.policy.detect, this.key)
    const newSecrets = (): Secrets => new Secrets(this.key)
    return { connection, database, analyst, searchPath, protect, world, detector, newSecrets }
  }
}
