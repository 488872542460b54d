import { Command, Flags } from '@oclif/core'
import type { BrokerApi } from './broker-api.ts'
import { reportError } from './output/errors.ts'
import { Output } from './output/output.ts'

/**
 * What every command has: `--json`, `--profile`, an `out` to print with, and errors that say what
 * happened, why and what to do. A command does `const { args, flags } = await this.parse(X)`, asks
 * the broker, prints, and throws HoopError for everything that a person may see going wrong.
 */
export abstract class BaseCommand extends Command {
  static override baseFlags = {
    json: Flags.boolean({ description: 'print JSON on stdout', helpGroup: 'GLOBAL' }),
    profile: Flags.string({
      description: 'act as the identity kept under this name',
      helpGroup: 'GLOBAL',
      helpValue: 'NAME',
    }),
  }

  /** stdout for data, stderr for talk. */
  protected readonly out: Output = new Output(wantsJson(this.argv))

  /** True: print JSON and nothing else on stdout. */
  protected get json(): boolean {
    return this.out.json
  }

  /** The name of the profile that this run acts under. */
  protected get profileName(): string {
    return flagValue(this.argv, '--profile') ?? process.env['HOOP_PROFILE'] ?? 'default'
  }

  /** A client of this profile's broker; throws not_logged_in (exit 3) when there is none. */
  protected async api(): Promise<BrokerApi> {
    const [{ BrokerApi }, { Profile }] = await Promise.all([
      import('./broker-api.ts'),
      import('./local/profile.ts'),
    ])
    return BrokerApi.forProfile(await Profile.load(this.profileName))
  }

  /** Every failure ends here: one report on stderr, one exit code. */
  protected override catch(error: unknown): Promise<void> {
    process.exitCode = reportError(error, this.out, this.id)
    return Promise.resolve()
  }
}

/** Asked before the flags are parsed, since a wrong flag must be reported as JSON, too. */
export function wantsJson(argv: readonly string[]): boolean {
  const wanted = process.env['HOOP_JSON']
  return own(argv).includes('--json') || wanted === '1' || wanted === 'true'
}

function flagValue(argv: readonly string[], flag: string): string | null {
  const mine = own(argv)
  const joined = mine.find((word) => word.startsWith(`${flag}=`))
  if (joined) return joined.slice(flag.length + 1)
  const at = mine.indexOf(flag)
  return at < 0 ? null : (mine[at + 1] ?? null)
}

/** The words before `--`; what follows belongs to the client that is started. */
function own(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--')
  return end < 0 ? argv : argv.slice(0, end)
}
