import { BaseCommand } from '../base-command.ts'

export default class Logout extends BaseCommand {
  static override summary = 'Forget the login of this profile, here and at the identity provider.'
  static override examples = ['<%= config.bin %> logout']

  async run(): Promise<void> {
    await this.parse(Logout)
    const [{ logout }, { Profile }] = await Promise.all([
      import('../login/logout.ts'),
      import('../local/profile.ts'),
    ])
    const profile = await Profile.load(this.profileName)
    const { was, notRevoked } = await logout(profile)
    if (notRevoked !== null) {
      this.out.say(`note: the login is gone here, but the provider was not told: ${notRevoked}`)
    }
    if (this.json) this.out.document({ logged_out: was, revoked: was && notRevoked === null })
    else this.out.say(was ? `Profile ${profile.name} is logged out.` : 'Nobody was logged in.')
  }
}
