import { Args } from '@oclif/core'
import type { Fault } from '../../../broker/policy/document.ts'
import { EXIT, HoopError } from '../../../protocol/errors.ts'
import { BaseCommand } from '../../base-command.ts'
import { visibleLine } from '../../output/visible.ts'
import { readText } from '../../text-file.ts'

export default class PolicyCheck extends BaseCommand {
  static override summary = 'Say what is wrong with a policy file, with line and column.'
  static override description =
    'Needs no broker. Faults go to stdout, one a line, as FILE:LINE:COLUMN MESSAGE; the exit code is 2.'
  static override examples = ['<%= config.bin %> policy check policy.yaml']
  static override args = {
    file: Args.string({ description: 'the policy', required: true }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(PolicyCheck)
    const { policyFaults } = await import('../../../broker/policy/parse.ts')
    const faults = policyFaults(readText(args.file), args.file)
    const ok = faults.length === 0
    if (this.json) this.out.document({ ok, faults })
    else this.#print(faults)
    if (!ok) throw faulty(args.file, faults.length)
    this.out.say(`${visibleLine(args.file)} is fine.`)
  }

  #print(faults: readonly Fault[]): void {
    for (const { file, line, column, message } of faults) {
      this.out.data(visibleLine(`${file}:${line}:${column} ${message}`))
    }
  }
}

function faulty(file: string, count: number): HoopError {
  return new HoopError({
    code: 'bad_policy',
    message: `${file} has ${count === 1 ? 'a fault' : `${count} faults`}.`,
    hint: 'docs/policy.md describes every setting.',
    exit: EXIT.usage,
    fault: 'client',
  })
}
