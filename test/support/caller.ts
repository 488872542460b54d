import { BrokerApi } from '../../cli/broker-api.ts'
import { Profile } from '../../cli/local/profile.ts'
import type { Person } from './demo.ts'

/** A person's login without a process for each call: for what is tried many times. */
export async function apiOf(person: Person): Promise<BrokerApi> {
  process.env['HOOP_KEYCHAIN'] = 'file'
  return BrokerApi.forProfile(await Profile.load(person.name, { HOOP_HOME: person.home }))
}

/** What a call was refused with; a call that was not is an error. */
export async function refusal(call: Promise<unknown>): Promise<{ code: string; exit: number }> {
  const outcome = await call.then(
    () => null,
    (error: { code: string; exit: number; message: string }) => error,
  )
  if (outcome === null) throw new Error('it was not refused')
  return { code: outcome.code, exit: outcome.exit }
}
