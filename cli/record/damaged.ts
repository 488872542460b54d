import { EXIT, HoopError } from '../../protocol/errors.ts'

/** The log of a session holds only up to an entry: what is shown ends there. */
export function damaged(
  session: string,
  { entry, reason }: { readonly entry: number; readonly reason: string },
): HoopError {
  return new HoopError({
    code: 'does_not_verify',
    message: `The log of ${session} does not hold from entry ${entry} on: ${reason}.`,
    hint: `hoop sessions verify ${session}`,
    exit: EXIT.evidence,
    fault: 'hoop',
  })
}
