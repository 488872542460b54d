import { EXIT, HoopError } from '../../protocol/errors.ts'
import type { ChangeKind } from '../store/store.ts'

export function notAdmin(): HoopError {
  return new HoopError({
    code: 'not_allowed',
    message: 'Only an administrator asks for a change of what hoop goes by.',
    hint: '`hoop whoami` shows your roles; identity.roles.admin of the configuration gives this one.',
    exit: EXIT.refused,
    fault: 'policy',
  })
}

export function nobodyDecides(): HoopError {
  return new HoopError({
    code: 'no_approvers',
    message: 'Nobody could approve it: the configuration gives no group the role admin.',
    hint: 'Name one in identity.roles.admin; two different administrators are needed.',
    exit: EXIT.usage,
    fault: 'policy',
  })
}

export function unchanged(what: string): HoopError {
  return new HoopError({
    code: 'unchanged',
    message: `${what} says exactly this already.`,
    hint: 'There is nothing to approve.',
    exit: EXIT.failed,
    fault: 'client',
  })
}

/** What a request was made on is no longer in force: what was read is not what it would change. */
export function superseded(kind: ChangeKind, name: string, now: number): HoopError {
  const what = name === '' ? kind : `${kind} ${name}`
  return new HoopError({
    code: 'superseded',
    message: `version ${now} of the ${what} came into force meanwhile`,
    hint: 'Ask again: the request was void.',
    exit: EXIT.failed,
    fault: 'client',
  })
}

export function notAllowedToRead(): HoopError {
  return new HoopError({
    code: 'not_allowed',
    message: 'What hoop goes by is shown whole to administrators and auditors only.',
    hint: '`hoop connections` shows what concerns you; `hoop whoami` shows your roles.',
    exit: EXIT.refused,
    fault: 'policy',
  })
}
