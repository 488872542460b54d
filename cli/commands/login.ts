import { Flags } from '@oclif/core'
import { BaseCommand } from '../base-command.ts'
import { openBrowser } from '../login/browser.ts'
import type { DeviceCode } from '../login/device-flow.ts'
import { visibleLine } from '../output/visible.ts'

export default class Login extends BaseCommand {
  static override summary = 'Log in to a broker, in your browser or on any other screen.'
  static override examples = [
    '<%= config.bin %> login --broker https://hoop.example.com',
    '<%= config.bin %> login',
    '<%= config.bin %> login --broker URL --client-id ci-deploy --client-secret-file ./secret',
  ]
  static override flags = {
    broker: Flags.string({
      description: 'address of the broker; remembered for the profile',
      env: 'HOOP_BROKER',
      helpValue: 'URL',
    }),
    'no-browser': Flags.boolean({
      description: 'print the address, open nothing',
      env: 'HOOP_NO_BROWSER',
    }),
    as: Flags.string({
      description: 'one of the persons of `hoop demo` (a demo broker on this machine only)',
      env: 'HOOP_AS',
      helpValue: 'NAME',
    }),
    'client-id': Flags.string({
      description:
        'log in as this machine identity (CI); its secret comes by file, environment or pipe',
      env: 'HOOP_CLIENT_ID',
      helpValue: 'ID',
      exclusive: ['as'],
    }),
    'client-secret-file': Flags.string({
      description: 'where the secret is (-: standard input); or HOOP_CLIENT_SECRET',
      env: 'HOOP_CLIENT_SECRET_FILE',
      helpValue: 'FILE',
      dependsOn: ['client-id'],
    }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Login)
    const [{ login }, { Profile }] = await Promise.all([
      import('../login/login.ts'),
      import('../local/profile.ts'),
    ])
    const { Interruption } = await import('../login/interruption.ts')
    using interruption = new Interruption()
    const profile = await Profile.load(this.profileName)
    const client = await clientOf(flags['client-id'], flags['client-secret-file'])
    const who = await login({
      profile,
      broker: flags.broker,
      as: flags.as,
      client,
      signal: interruption.signal,
      say: (text) => this.out.say(text),
      onCode: async (code, broker) => {
        if (this.json) this.out.event(code)
        else if (flags.as === undefined) await this.#show(code, broker, !flags['no-browser'])
      },
    })
    const { subject, email, groups } = who
    if (this.json) this.out.event({ event: 'login', subject, email, groups })
    else {
      const of = groups.length === 0 ? 'in no group' : groups.join(', ')
      this.out.say(
        `Logged in to ${who.broker} as ${visibleLine(email ?? subject)} (${visibleLine(of)}).`,
      )
      this.out.hint(`Next: ${profile.command('connections')}`)
    }
  }

  async #show(code: DeviceCode, broker: string, browser: boolean): Promise<void> {
    this.out.say(deviceScreen(code, broker))
    if (!browser || !this.out.interactive) return
    const opened = await openBrowser(code.verification_uri_complete)
    if (opened) this.out.say('Your browser shows it now.')
  }
}

async function clientOf(id: string | undefined, file: string | undefined) {
  if (id === undefined) return undefined
  const { readClientSecret } = await import('../login/client-secret.ts')
  const environment = process.env['HOOP_CLIENT_SECRET']
  return { id, secret: await readClientSecret({ file, environment, input: process.stdin }) }
}

/** At most 80 columns wide but for the address, which must stay in one piece to be clicked or copied. */
export function deviceScreen(code: DeviceCode, broker: string): string {
  const minutes = Math.max(1, Math.round(code.expires_in / 60))
  return [
    `To log in to ${broker}, open`,
    '',
    `    ${visibleLine(code.verification_uri_complete)}`,
    '',
    'and check that the page shows the code',
    '',
    `    ${visibleLine(code.user_code)}`,
    '',
    `Waiting for you there, up to ${minutes} minute${minutes === 1 ? '' : 's'}. Ctrl-C stops.`,
  ].join('\n')
}
