import { Flags } from '@oclif/core'
import type { Fault } from '../../../broker/policy/document.ts'
import { EXIT } from '../../../protocol/errors.ts'
import { BaseCommand } from '../../base-command.ts'
import { visibleLine } from '../../output/visible.ts'

export default class BrokerCheck extends BaseCommand {
  static override summary = 'Say what is wrong with a configuration, with line and column.'
  static override description =
    'Starts nothing. Faults go to stdout as FILE:LINE:COLUMN MESSAGE, and the exit code is 2; warnings go to stderr.'
  static override flags = {
    config: Flags.string({ required: true, description: 'the configuration', helpValue: 'FILE' }),
  }
  static override examples = ['<%= config.bin %> broker check --config hoop.yaml']

  async run(): Promise<void> {
    const { flags } = await this.parse(BrokerCheck)
    const { checkConfig } = await import('../../../broker/config.ts')
    const { config, faults } = checkConfig(flags.config)
    this.#print(flags.config, faults, config?.warnings ?? [])
    if (faults.length) process.exitCode = EXIT.usage
  }

  #print(file: string, faults: readonly Fault[], warnings: readonly Fault[]): void {
    if (this.json) {
      this.out.document({ ok: faults.length === 0, faults, warnings })
      return
    }
    for (const fault of faults) this.out.data(line(fault))
    for (const warning of warnings) {
      this.out.say(`${this.out.styleTalk('yellow', 'warning:')} ${line(warning)}`)
    }
    this.out.say(faults.length ? `${faults.length} found.` : `${visibleLine(file)} is fine.`)
    if (faults.length === 0) this.out.hint(`\nhoop broker start --config ${file}`)
  }
}

function line({ file, line, column, message }: Fault): string {
  return visibleLine(`${file}:${line}:${column} ${message}`)
}
