import type { Ready } from '../../broker/demo/demo.ts'
import type { Beat } from '../../broker/demo/story.ts'
import type { Output } from './output.ts'
import { visible } from './visible.ts'

/** How the demo is told to a person. Everything goes to stdout: the story is the data. */

export function tellReady(out: Output, { broker, issuer, home, target, users }: Ready): void {
  const superuser = `${target.user}:${target.password}@${target.host}:${target.port}`
  out.data(
    [
      `  broker    ${broker}`,
      `  provider  ${issuer}`,
      `  target    postgres://${superuser}/${target.database} (to look behind the broker)`,
      `  files     ${home}`,
      `  people    ${users.map(({ name, groups }) => `${name} (${groups.join(', ')})`).join(' · ')}`,
    ].join('\n'),
  )
}

export function tellBeat(out: Output, beat: Beat): void {
  switch (beat.event) {
    case 'scene':
      out.data(`\n${out.bold(beat.text)}`)
      break
    case 'step':
      out.data(`\n  ${beat.person} $ hoop ${beat.command.map(quoted).join(' ')}`)
      break
    case 'output':
      tellOutput(out, beat)
      break
    case 'result':
      tellOutput(out, beat)
      if (beat.exit !== 0) out.data(`    (exit code ${beat.exit})`)
      break
  }
}

export function tellInvitation(out: Output, ready: Ready): void {
  const command = (profile: string, words: string) => `  HOOP_PROFILE=${profile} npx hoop ${words}`
  out.data(
    [
      '\nEverything stays up until Ctrl-C. In another terminal, in this folder:\n',
      `  export HOOP_HOME=${quoted(ready.people)}`,
      command('alice', `login --broker ${ready.broker} --as alice`),
      command('alice', 'connect pg-prod -- psql'),
      command('bob', `login --broker ${ready.broker} --as bob`),
      command('bob', 'requests'),
      command('bob', 'approve r-…'),
    ].join('\n'),
  )
}

function tellOutput(out: Output, said: { stdout: string; stderr: string }): void {
  const text = visible(`${said.stderr}${said.stdout}`).trimEnd()
  if (text) out.data(text.replace(/^(?=.)/gm, '    '))
}

function quoted(word: string): string {
  return /^[\w./:@=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
