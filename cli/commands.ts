import type { Command, Config, Interfaces } from '@oclif/core'

/** A command as the loader hands it on: its static parts describe it, `run` runs it. */
export type CommandClass = typeof Command & {
  run(argv: string[], config: Config): Promise<unknown>
}

type Load = () => Promise<{ default: unknown }>

/**
 * Every command, by the words that a person types. One file each; none is loaded but the one that
 * runs (and all of them for help), so that `hoop` starts fast.
 */
export const commands: Readonly<Record<string, Load>> = {
  login: () => import('./commands/login.ts'),
  logout: () => import('./commands/logout.ts'),
  whoami: () => import('./commands/whoami.ts'),
  'connections apply': () => import('./commands/connections/apply.ts'),
  connections: () => import('./commands/connections.ts'),
  connect: () => import('./commands/connect.ts'),
  exec: () => import('./commands/exec.ts'),
  request: () => import('./commands/request.ts'),
  requests: () => import('./commands/requests.ts'),
  show: () => import('./commands/show.ts'),
  review: () => import('./commands/review.ts'),
  approve: () => import('./commands/approve.ts'),
  reject: () => import('./commands/reject.ts'),
  ask: () => import('./commands/ask.ts'),
  answer: () => import('./commands/answer.ts'),
  cancel: () => import('./commands/cancel.ts'),
  revoke: () => import('./commands/revoke.ts'),
  'sod explain': () => import('./commands/sod/explain.ts'),
  'secrets set': () => import('./commands/secrets/set.ts'),
  'secrets list': () => import('./commands/secrets/list.ts'),
  'policy check': () => import('./commands/policy/check.ts'),
  'policy test': () => import('./commands/policy/test.ts'),
  'policy replay': () => import('./commands/policy/replay.ts'),
  'policy schema': () => import('./commands/policy/schema.ts'),
  'policy apply': () => import('./commands/policy/apply.ts'),
  'policy show': () => import('./commands/policy/show.ts'),
  'policy explain': () => import('./commands/policy/explain.ts'),
  'sessions list': () => import('./commands/sessions/list.ts'),
  'sessions show': () => import('./commands/sessions/show.ts'),
  'sessions replay': () => import('./commands/sessions/replay.ts'),
  'sessions search': () => import('./commands/sessions/search.ts'),
  'sessions verify': () => import('./commands/sessions/verify.ts'),
  'sessions export': () => import('./commands/sessions/export.ts'),
  'sessions tail': () => import('./commands/sessions/tail.ts'),
  'sessions kill': () => import('./commands/sessions/kill.ts'),
  'broker init': () => import('./commands/broker/init.ts'),
  'broker check': () => import('./commands/broker/check.ts'),
  'broker start': () => import('./commands/broker/start.ts'),
  doctor: () => import('./commands/doctor.ts'),
  demo: () => import('./commands/demo.ts'),
}

/** Loads one command and gives each of its flags the variable `HOOP_…`. */
export async function loadCommand(id: string): Promise<CommandClass> {
  const load = commands[id]
  if (!load) throw new Error(`no command ${id}`)
  const command = (await load()).default as CommandClass
  command.id = id
  nameVariables(command.flags)
  nameVariables(command.baseFlags)
  return command
}

type Flags = Interfaces.FlagInput | undefined

/** `--max-rows` is HOOP_MAX_ROWS, unless the flag names a variable of its own. */
function nameVariables(flags: Flags): void {
  for (const [name, flag] of Object.entries(flags ?? {})) {
    flag.env ??= `HOOP_${name.toUpperCase().replaceAll('-', '_')}`
  }
}
