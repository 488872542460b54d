import { Args, Flags } from '@oclif/core'
import { ReplayEvent, type Replayed } from '../../../protocol/api/trial.ts'
import { EXIT, HoopError } from '../../../protocol/errors.ts'
import { BaseCommand } from '../../base-command.ts'
import { jsonLines } from '../../json-lines.ts'
import { replayLines } from '../../output/policy-replay.ts'
import { timeOf } from '../../record/filters.ts'
import { readText } from '../../text-file.ts'

export default class PolicyReplay extends BaseCommand {
  static override summary = 'What a policy would have decided and shown otherwise, over the record.'
  static override description =
    'For auditors and administrators. Nothing is run: what was recorded is judged by the policy in force and by FILE, and what differs is listed. Exit code 4: something becomes looser, so that it serves as a gate.'
  static override examples = [
    '<%= config.bin %> policy replay policy.yaml --since 30d',
    '<%= config.bin %> policy replay policy.yaml --since 7d --connection pg-prod --json',
  ]
  static override args = {
    file: Args.string({ description: 'the policy that is tried', required: true }),
  }
  static override flags = {
    since: Flags.string({
      description: 'from then on: 30d, 12h, 2026-11-22, …',
      helpValue: 'TIME',
      default: '30d',
    }),
    connection: Flags.string({ description: 'of this connection alone', helpValue: 'NAME' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(PolicyReplay)
    const body = {
      policy: readText(args.file),
      file: args.file,
      since: timeOf(flags.since, Date.now()),
      connection: flags.connection ?? null,
    }
    const answer = await this.#replay(body)
    if (this.json) this.out.document(answer)
    else for (const line of replayLines(answer, this.out)) this.out.data(line)
    if (answer.looser) throw looser()
  }

  async #replay(body: unknown): Promise<Replayed> {
    const api = await this.api()
    const response = await api.stream('POST', '/v1/policy/replay', { body })
    for await (const event of jsonLines(response, ReplayEvent)) {
      if (event.event === 'replayed') return event
      const { sessions, of, statements } = event
      this.out.hint(`session ${sessions + 1} of ${of}, ${statements} statements`)
    }
    throw new HoopError({
      code: 'broker_lost',
      message: 'The broker ended its answer too early.',
      exit: EXIT.unreachable,
      fault: 'upstream',
    })
  }
}

function looser(): HoopError {
  return new HoopError({
    code: 'policy_looser',
    message: 'The policy allows or shows more than the one in force.',
    hint: 'The lines with + say what.',
    exit: EXIT.refused,
    fault: 'policy',
  })
}
