import { writeFile } from 'node:fs/promises'
import { Flags } from '@oclif/core'
import { EXIT, HoopError } from '../../../protocol/errors.ts'
import { BaseCommand } from '../../base-command.ts'

export default class BrokerInit extends BaseCommand {
  static override summary = 'Write a commented configuration to start from.'
  static override description =
    'Prints it, or writes it to --output, which must not exist yet. It passes `hoop broker check` as it is.'
  static override flags = {
    output: Flags.string({ description: 'write it to this file', helpValue: 'FILE' }),
  }
  static override examples = ['<%= config.bin %> broker init --output hoop.yaml']

  async run(): Promise<void> {
    const { flags } = await this.parse(BrokerInit)
    const { configTemplate } = await import('../../../broker/config.ts')
    const config = configTemplate()
    if (flags.output !== undefined) await save(flags.output, config)
    if (this.json) this.out.document({ output: flags.output ?? null, config })
    else if (flags.output === undefined) this.out.data(config.trimEnd())
    else {
      this.out.say(`Wrote ${flags.output}.`)
      this.out.hint(`\nhoop broker check --config ${flags.output}`)
    }
  }
}

/** It may come to hold names that are nobody's business: 0600. */
async function save(file: string, config: string): Promise<void> {
  try {
    await writeFile(file, config, { flag: 'wx', mode: 0o600 })
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null
    throw new HoopError({
      code: 'not_written',
      message: `${file} was not written: ${code === 'EEXIST' ? 'it exists' : String(code)}.`,
      hint:
        code === 'EEXIST' ? 'Name another file; nothing is ever overwritten.' : 'Check the path.',
      exit: EXIT.failed,
      fault: 'client',
      cause,
    })
  }
}
