import type { ListenerEvent } from '../local/listener.ts'
import type { Output } from '../output/output.ts'
import { describeTime } from '../output/time.ts'
import { visibleLine } from '../output/visible.ts'
import { wrap } from '../output/width.ts'

type Style = Parameters<Output['styleTalk']>[0]

const COLOURS: Readonly<Record<string, Style>> = {
  held: 'yellow',
  approved: 'green',
  executed: 'green',
  rejected: 'red',
  refused: 'red',
  expired: 'red',
}

const INDENT = 22

/**
 * One event as lines for a person: `06:31:02  held       r-…: …`. Of a request there is the id; a
 * session's is told when it opens.
 */
export function statusLines(event: ListenerEvent, out: Output): string[] {
  const clock = describeTime(event.at).slice(11)
  const word = event.event.padEnd(INDENT - 12)
  const colour = COLOURS[event.event]
  const painted = colour ? out.styleTalk(colour, word) : word
  const [first = '', ...rest] = wrap(messageOf(event), Math.max(24, out.width - INDENT))
  const lines = [`${out.faint(clock)}  ${painted}  ${first}`]
  return [...lines, ...rest.map((line) => ' '.repeat(INDENT) + line)]
}

function messageOf(event: ListenerEvent): string {
  const message = visibleLine(event.message)
  if (event.event === 'opened') return `${message} (${event.session})`
  const request = 'request' in event && event.request ? event.request : null
  return request === null || message.includes(request) ? message : `${request}: ${message}`
}
