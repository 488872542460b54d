import { RequestId } from '../protocol/api/common.ts'
import { EXIT, HoopError } from '../protocol/errors.ts'

/** The API's path of a request. An id that cannot be one is an unknown id: it exits 1, as cli.md says. */
export function requestPath(id: string): string {
  if (RequestId.safeParse(id).success) return `/v1/requests/${id}`
  throw new HoopError({
    code: 'unknown_request',
    message: `There is no request ${id}.`,
    hint: 'Ids look like r-7k2mq8w9xe; `hoop requests` lists those that wait for you.',
    exit: EXIT.failed,
    fault: 'client',
  })
}
