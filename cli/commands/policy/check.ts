import { readFileSync } from 'node:fs'
import { Args } from '@oclif/core'
import type { Fault } from '../../../broker/policy/document.ts'
import { EXIT, HoopError } from '../../../protocol/errors.ts'
import { BaseCommand } from '../../base-command.ts'
import { visibleLine } from '../../output/visible.ts'

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
    this.#print(args.file, faults)
    if (faults.length) process.exitCode = EXIT.usage
  }

  #print(file: string, faults: readonly Fault[]): void {
    if (this.json) return this.out.document({ ok: faults.length === 0, faults })
    for (const { file: name, line, column, message } of faults) {
      this.out.data(visibleLine(`${name}:${line}:${column} ${message}`))
    }
    this.out.say(faults.length ? `${faults.length} found.` : `${visibleLine(file)} is fine.`)
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (cause) {
    throw new HoopError({
      code: 'unreadable_file',
      message: `Cannot read ${file}: ${cause instanceof Error ? cause.message : cause}.`,
      hint: 'Check the path; - reads from stdin.',
      exit: EXIT.usage,
      fault: 'client',
      cause,
    })
  }
}
