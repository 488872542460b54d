import { basename } from 'node:path'
import { Args, Flags } from '@oclif/core'
import { EXIT, HoopError } from '../../../protocol/errors.ts'
import { BaseCommand } from '../../base-command.ts'
import { describeTime } from '../../output/time.ts'
import { visibleLine } from '../../output/visible.ts'
import { brokerEvidence } from '../../record/evidence.ts'
import { file, folderEvidence } from '../../record/folder.ts'
import { RecordMemory } from '../../record/memory.ts'
import { type Failure, type Verdict, verifyBytes, verifyEvidence } from '../../record/verify.ts'

export default class SessionsVerify extends BaseCommand {
  static override summary = 'Prove that nothing in the record was changed or removed.'
  static override description =
    `Fetches the logs as they are and checks every hash on this machine: each session's chain, and
for auditors the log above all sessions, which knows every session and its last hash. The first wrong
thing of each is named, and the exit code is 8. Where that log stood is remembered here, so that it
cannot be rolled back unseen.`
  static override strict = false
  static override args = { id: Args.string({ description: 'sessions (none: all)' }) }
  static override flags = {
    all: Flags.boolean({ description: 'every session, and that none is missing' }),
    dir: Flags.string({
      description: 'a folder with records (data_dir/sessions, or a copy); no broker is asked',
      helpValue: 'DIR',
    }),
    file: Flags.string({
      description: 'one session’s log in a file; no broker is asked',
      helpValue: 'FILE',
      exclusive: ['dir', 'all'],
    }),
    forget: Flags.boolean({ description: 'forget where this broker’s record stood' }),
  }
  static override examples = [
    '<%= config.bin %> sessions verify s-7k2mq8w9xe',
    '<%= config.bin %> sessions verify --all',
    '<%= config.bin %> sessions verify --dir /var/lib/hoop/sessions',
  ]

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(SessionsVerify)
    const ids = flags.all || argv.length === 0 ? null : argv.map(String)
    const verdict =
      flags.file !== undefined
        ? await verifyFile(flags.file)
        : flags.dir !== undefined
          ? await verifyEvidence(await folderEvidence(flags.dir), { ids, remembered: null })
          : await this.#verifyBroker(ids, flags.forget)
    this.#print(verdict)
    if (verdict.failures.length > 0) throw doesNotVerify(verdict.failures)
    if (verdict.unknown.length > 0) throw unknownSession(verdict.unknown)
  }

  async #verifyBroker(ids: readonly string[] | null, forget: boolean): Promise<Verdict> {
    const api = await this.api()
    const memory = new RecordMemory(api.profile.folder, api.url)
    const remembered = forget ? null : await memory.last()
    const verdict = await verifyEvidence(brokerEvidence(api), { ids, remembered })
    if (verdict.record !== null) await memory.remember(verdict.record, new Date().toISOString())
    else if (verdict.failures.length === 0) {
      this.out.say('Your own sessions only: the log above all sessions is for auditors.')
    }
    return verdict
  }

  #print({ ok, sessions, entries, failures, record }: Verdict): void {
    if (this.json) {
      this.out.document({ ok, sessions, failures })
      return
    }
    for (const failure of failures) this.out.data(this.out.style('red', describe(failure)))
    if (!ok) return
    const count = `${sessions} ${sessions === 1 ? 'session' : 'sessions'}`
    this.out.data(
      this.out.style('green', `${count} verified, ${entries} entries, nothing changed.`),
    )
    if (record !== null) {
      const at = describeTime(new Date().toISOString())
      this.out.data(`The record stood at entry ${record.entries}, ${record.hash}, at ${at}.`)
    }
  }
}

async function verifyFile(path: string): Promise<Verdict> {
  const { ok, entries, fault } = await verifyBytes(file(path), { type: 'session' })
  const session = basename(path, '.hoop')
  const failures = fault === null ? [] : [{ session, entry: fault.entry, reason: fault.reason }]
  return { ok, sessions: 1, entries, failures, unknown: [], record: null }
}

function describe({ session, entry, reason }: Failure): string {
  const where = entry === 0 ? 'the file' : `entry ${entry}`
  return visibleLine(`${session ?? 'the log above all sessions'}: ${where}: ${reason}`)
}

function doesNotVerify(failures: readonly Failure[]): HoopError {
  const more = failures.length === 1 ? '' : ` (and ${failures.length - 1} more)`
  return new HoopError({
    code: 'does_not_verify',
    message: `The record does not verify: ${describe(failures[0] as Failure)}${more}.`,
    hint: 'Keep the broker’s data_dir as it is: it is evidence. --forget accepts a record that began anew.',
    exit: EXIT.evidence,
    fault: 'hoop',
  })
}

function unknownSession(ids: readonly string[]): HoopError {
  return new HoopError({
    code: 'unknown_session',
    message: `There is no session ${ids.join(', ')} that you may see.`,
    hint: '`hoop sessions list` shows those you may see.',
    exit: EXIT.failed,
    fault: 'client',
  })
}
