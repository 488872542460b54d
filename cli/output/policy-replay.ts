import type { Flip, Replayed } from '../../protocol/api/trial.ts'
import type { Output } from './output.ts'
import { visibleLine } from './visible.ts'

/** What a candidate changes, as a diff is read: `+` is looser, `-` stricter. */
export function replayLines(answer: Replayed, out: Pick<Output, 'style'>): string[] {
  const { sessions, statements, since, policy_version: version } = answer
  const head = `${statements} statements of ${sessions} sessions since ${since}, against version ${version}`
  const changed = [
    ...answer.flips.flatMap((flip) => flipLines(flip, out)),
    ...(answer.more_flips > 0 ? [`  and ${answer.more_flips} more flips of other kinds`] : []),
    ...answer.shown.map(({ looser, connection, column, from, to, count }) => {
      const often = count === null ? '' : `, in ${count} recorded statements`
      return mark(looser, `${connection}: ${column} is shown as ${to}, was ${from}${often}`, out)
    }),
    ...answer.requesters.map(({ looser, connection, group }) => {
      const verb = looser ? 'may use it now' : 'may not use it any more'
      return mark(looser, `${connection}: ${group} ${verb}`, out)
    }),
    ...answer.settings.map(({ looser, connection, setting }) => {
      const where = connection === null ? '' : `${connection}: `
      return mark(looser, `${where}${setting} is another one`, out)
    }),
  ]
  const weekly = answer.approvals_per_week.map(({ group, before, after }) =>
    visibleLine(`  ${group}: ${before} before, ${after} after`),
  )
  return [
    head,
    ...(changed.length > 0
      ? ['', ...changed]
      : ['', 'Nothing would be decided or shown otherwise.']),
    ...(weekly.length > 0 ? ['', 'approvals a week', ...weekly] : []),
    '',
    ...answer.notes.map((note) => visibleLine(note)),
  ]
}

function flipLines(
  { connection, from, to, looser, count, examples }: Flip,
  out: Pick<Output, 'style'>,
) {
  const times = count === 1 ? 'once' : `${count} times`
  return [
    mark(looser, `${connection}: ${side(from)} → ${side(to)}, ${times}`, out),
    ...examples.map(({ session, entry, user, statement }) =>
      visibleLine(`      ${session} #${entry} ${user}: ${statement}`),
    ),
  ]
}

function side({ decision, rule, places, needs, alternatives }: Flip['from']): string {
  const ways = alternatives.length > 0 ? alternatives : [needs]
  const by = ways
    .map((way) => way.map(({ group, count }) => `${count} of ${group}`).join(' and '))
    .join(' or ')
  const at = places.length > 0 ? places.join(', ') : rule
  return `${decision}${by === '' ? '' : ` by ${by}`} (${at})`
}

function mark(looser: boolean, text: string, out: Pick<Output, 'style'>): string {
  const sign = looser ? out.style('red', '+') : out.style('green', '-')
  return `${sign} ${visibleLine(text)}`
}
