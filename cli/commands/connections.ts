import { type Connection, ConnectionList } from '../../protocol/api/connections.ts'
import { BaseCommand } from '../base-command.ts'
import { tableLines } from '../output/table.ts'

interface Row extends Connection {
  /** Where it listens here, once it was connected to. */
  readonly port: number | null
}

export default class Connections extends BaseCommand {
  static override summary = 'What you may reach, and what needs an approval there.'
  static override description =
    `Lists the connections that you may open, which classes of statement pass, are held for
whom, or are denied, which columns come back masked, and the local port.`
  static override examples = ['<%= config.bin %> connections', '<%= config.bin %> ls --json']

  async run(): Promise<void> {
    await this.parse(Connections)
    const api = await this.api()
    const list = await api.request('GET', '/v1/connections', { schema: ConnectionList })
    const rows = await Promise.all(
      list.map(async (connection): Promise<Row> => {
        const access = await api.profile.localAccess(connection.name)
        return { ...connection, port: access?.port ?? null }
      }),
    )
    if (this.json) {
      this.out.document(rows.map(toJson))
      return
    }
    this.#print(rows)
  }

  #print(rows: readonly Row[]): void {
    const [first] = rows
    if (!first) {
      this.out.say('There is no connection that you may use.')
      this.out.hint('hoop whoami shows your groups; they decide what you may reach.')
      return
    }
    const lines = tableLines(
      rows,
      [
        { title: 'NAME', of: (row) => row.name, paint: (cell) => this.out.bold(cell) },
        { title: 'KIND', of: (row) => row.kind },
        {
          title: 'PORT',
          of: (row) => (row.port === null ? '-' : String(row.port)),
          align: 'right',
        },
        { title: 'RULES', of: describeRules, flexible: true },
        { title: 'MASKED', of: (row) => row.masked.map(({ column }) => column).join(', ') || '-' },
      ],
      this.out,
    )
    for (const line of lines) this.out.data(line)
    this.out.hint(`\nhoop connect ${first.name}\nhoop exec ${first.name} -c 'SELECT 1'`)
  }
}

/** cli.md: [{name, kind, classes, masked, port}], and which databases it has. */
function toJson({ name, kind, classes, masked, port, databases }: Row) {
  return { name, kind, classes, masked, port, databases }
}

/** `read passes; write, ddl: one of dba; admin denied` */
function describeRules(connection: Connection): string {
  const groups = new Map<string, string[]>()
  for (const [name, rule] of Object.entries(connection.classes)) {
    const ways = rule.alternatives.length > 0 ? rule.alternatives : [rule.needs]
    const asked = ways.map((way) =>
      way.map(({ group, count }) => (count === 1 ? group : `${count} ${group}`)).join(' and '),
    )
    const label =
      rule.decision === 'hold' ? `held for ${asked.join(', or ')}` : WORDS[rule.decision]
    if (name === 'session' || name === 'transaction') continue
    groups.set(label, [...(groups.get(label) ?? []), name])
  }
  return [...groups].map(([label, names]) => `${names.join(', ')} ${label}`).join('; ')
}

const WORDS = { allow: 'passes', deny: 'denied' } as const
