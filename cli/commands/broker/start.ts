import { Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'
import { Interruption } from '../../login/interruption.ts'
import { visibleLine } from '../../output/visible.ts'

export default class BrokerStart extends BaseCommand {
  static override summary = 'Run the broker until it is told to stop.'
  static override description =
    `Its log goes to stderr, one JSON object a line. SIGINT and SIGTERM end it: sessions are
closed and their records with them.`
  static override flags = {
    config: Flags.string({ required: true, description: 'the configuration', helpValue: 'FILE' }),
  }
  static override examples = ['<%= config.bin %> broker start --config hoop.yaml']

  async run(): Promise<void> {
    const { flags } = await this.parse(BrokerStart)
    const [{ loadConfig }, { startBroker }] = await Promise.all([
      import('../../../broker/config.ts'),
      import('../../../broker/main.ts'),
    ])
    const config = loadConfig(flags.config)
    for (const { file, line, column, message } of config.warnings) {
      this.out.say(visibleLine(`warning: ${file}:${line}:${column} ${message}`))
    }
    using interruption = new Interruption()
    const broker = await startBroker(config)
    for (const notice of broker.notices) this.out.say(visibleLine(notice))
    if (this.json) this.out.event({ event: 'ready', broker: config.publicUrl })
    else this.out.say(`The broker listens at ${config.publicUrl}.`)
    const { signal } = interruption
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve())
    })
    await broker.close()
  }
}
