import { Args, Flags } from '@oclif/core'
import { type Connection, ConnectionList } from '../../protocol/api/connections.ts'
import { Whoami } from '../../protocol/api/identity.ts'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import { BaseCommand } from '../base-command.ts'
import { runClient } from '../connect/client.ts'
import { LiveStatus } from '../connect/live.ts'
import { openLocalEnd } from '../connect/local-end.ts'
import { clientEnvironment, type Ready, readyOf, tellReady } from '../connect/ready.ts'
import { statusLines } from '../connect/status.ts'
import type { ListenerEvent } from '../local/listener.ts'
import { Interruption } from '../login/interruption.ts'
import { visibleLine } from '../output/visible.ts'

export default class Connect extends BaseCommand {
  static override summary = 'Open a connection on a local port; or start a client on it.'
  static override description =
    `The port and its password are yours, and the same each time. What needs an approval waits in
your client until somebody else approves it; on a terminal hoop shows what is held, who can decide it and what they ask. Ctrl-C
cancels what is held, a second one ends the connection. With -- CLIENT the client is started with its environment set (PGHOST and
the others), and hoop exits as the client does.`
  static override args = {
    name: Args.string({ required: true, description: 'the connection' }),
  }
  static override flags = {
    port: Flags.integer({
      description: 'the local port, from now on',
      helpValue: 'N',
      min: 1,
      max: 65_535,
    }),
    reason: Flags.string({ description: 'shown to who is asked', helpValue: 'TEXT' }),
    'break-glass': Flags.boolean({
      description: 'in an emergency: at once, loud, and to be reviewed; needs --reason',
      dependsOn: ['reason'],
    }),
    database: Flags.string({ description: 'another than the first', helpValue: 'NAME' }),
  }
  static override usage = '[-- CLIENT ARGS…]'
  static override examples = [
    '<%= config.bin %> connect pg-prod -- psql',
    '<%= config.bin %> connect pg-prod --reason "issue 41"',
    '<%= config.bin %> connect pg-prod --json',
  ]

  /** With a client the terminal is the client's: what is held it says itself, by a notice. */
  #quiet = false
  #live: LiveStatus | null = null

  async run(): Promise<void> {
    const { own, client } = split(this.argv)
    const { args, flags } = await this.parse(Connect, own)
    this.#quiet = client.length > 0 && !this.json
    const api = await this.api()
    const isLive = client.length === 0 && !this.json && this.out.interactive
    const live = isLive ? new LiveStatus(api, this.out) : null
    const [list, who] = await Promise.all([
      api.request('GET', '/v1/connections', { schema: ConnectionList }),
      api.request('GET', '/v1/whoami', { schema: Whoami }),
    ])
    const databases = databasesOf(find(list, args.name), flags.database)
    // Before anything is said of being ready: whoever reads that may send Ctrl-C at once.
    using interruption = new Interruption()
    const end = await openLocalEnd({
      api,
      connection: args.name,
      databases,
      port: flags.port ?? null,
      reason: flags.reason ?? null,
      breakGlass: flags['break-glass'],
      onEvent: (event) => this.#tell(event),
      onTrouble: (message) => this.#trouble(message),
    })
    const user = who.email?.split('@')[0] || who.subject
    this.#live = live
    const ready = readyOf(args.name, user, databases[0] ?? '', end)
    try {
      await this.#use(ready, client, interruption.signal)
    } finally {
      this.#live = null
      await end.listener.close()
    }
  }

  async #use(ready: Ready, client: readonly string[], signal: AbortSignal): Promise<void> {
    if (this.json) this.out.event(ready)
    else if (!this.#quiet) tellReady(ready, this.out)
    const [program, ...args] = client
    if (this.#live !== null) return await this.#live.show(signal)
    if (program === undefined || signal.aborted) return await aborted(signal)
    const { code, fault } = await runClient(program, args, clientEnvironment(ready, process.env))
    if (fault !== null) this.out.say(`${this.out.styleTalk('red', 'error:')} ${visibleLine(fault)}`)
    process.exitCode = code
  }

  #tell(event: ListenerEvent): void {
    if (this.json) this.out.event(event)
    else if (this.#live !== null) this.#live.event(event)
    else if (!this.#quiet) for (const line of statusLines(event, this.out)) this.out.say(line)
  }

  #trouble(message: string): void {
    if (this.#live !== null) this.#live.say(message)
    else this.out.say(visibleLine(message))
  }
}

function split(argv: readonly string[]): { own: string[]; client: string[] } {
  const at = argv.indexOf('--')
  if (at < 0) return { own: [...argv], client: [] }
  return { own: argv.slice(0, at), client: argv.slice(at + 1) }
}

function find(list: readonly Connection[], name: string): Connection {
  const found = list.find((connection) => connection.name === name)
  if (found) return found
  const names = list.map((connection) => connection.name).join(', ')
  throw new HoopError({
    code: 'unknown_connection',
    message: `There is no connection ${name} that you may use.`,
    hint: names ? `You may use: ${names}.` : '`hoop whoami` shows the groups that decide it.',
    exit: EXIT.failed,
    fault: 'client',
  })
}

/** The wanted one first. */
function databasesOf({ name, databases }: Connection, wanted: string | undefined): string[] {
  if (wanted === undefined) return databases
  if (databases.includes(wanted)) {
    return [wanted, ...databases.filter((database) => database !== wanted)]
  }
  throw new HoopError({
    code: 'unknown_database',
    message: `${name} has no database ${wanted}.`,
    hint: `It has: ${databases.join(', ')}.`,
    exit: EXIT.failed,
    fault: 'client',
  })
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
}
