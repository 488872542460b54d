import { Flags } from '@oclif/core'
import { Request } from '../../protocol/api/requests.ts'
import type { BrokerApi } from '../broker-api.ts'
import type { Output } from '../output/output.ts'
import { describeNeeds } from '../output/request-fields.ts'
import { parseDuration } from '../output/time.ts'
import { visibleLine } from '../output/visible.ts'
import { failureOf } from '../requests/decided.ts'
import { waitForPeople } from '../requests/wait.ts'

/** Flags of all that asks another administrator. */
export const changeFlags = {
  reason: Flags.string({ description: 'shown to who is asked', helpValue: 'TEXT' }),
  wait: Flags.string({ description: 'for a decision, at most this long', helpValue: 'DURATION' }),
  'no-wait': Flags.boolean({ description: 'ask, print the request, and end (exit 6)' }),
}

interface Patience {
  readonly wait?: string | undefined
  readonly 'no-wait': boolean
}

interface Question {
  readonly path: string
  readonly body: unknown
}

/**
 * Asks for a change and waits until it is in force; throws what became of it otherwise. Ctrl-C takes
 * the request back; when the waiting runs out it stays.
 */
export async function askForChange(
  api: BrokerApi,
  { path, body }: Question,
  flags: Patience,
  out: Output,
): Promise<void> {
  const waitMs = flags.wait === undefined ? null : parseDuration(flags.wait)
  const asked = await api.request('POST', path, { body, schema: Request })
  out.say(visibleLine(`Asked as ${asked.id}: ${asked.effect}`))
  out.say(visibleLine(`Asked: ${describeNeeds(asked)}. They run: hoop approve ${asked.id}`))
  const request = flags['no-wait']
    ? asked
    : await waitForPeople(api, asked, { waitMs, out, open: ['pending', 'approved'] })
  if (out.json) out.document(request)
  const failure = failureOf(request)
  if (failure !== null) throw failure
  if (out.json) return
  const by = request.decisions.map((each) => each.by).join(', ')
  out.data(visibleLine(`In force: ${request.effect}; approved by ${by}.`))
}
