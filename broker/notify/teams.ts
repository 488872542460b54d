import { defang } from './defang.ts'
import type { Message } from './message.ts'

/**
 * A workflow of Teams that posts Adaptive Cards. What others wrote stands in TextRun alone, which takes no
 * markdown (TextBlock does); no entities are declared, so nobody can be mentioned.
 * https://adaptivecards.io/explorer/TextRun.html
 */
export function teamsBody(message: Message): unknown {
  const { headline, facts, statement, note, commands } = message
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    msteams: { width: 'Full' },
    body: [
      { type: 'TextBlock', text: headline, size: 'Large', weight: 'Bolder', wrap: true },
      ...facts.map(([label, value]) => runs(run(`${label}: `, 'bold'), run(defang(value)))),
      ...(statement === null ? [] : [lines(statement)]),
      ...(note === '' ? [] : [runs(run(note))]),
      ...commands.map((command) => runs(run(command, 'code'))),
    ],
  }
  const contentType = 'application/vnd.microsoft.card.adaptive'
  return { type: 'message', attachments: [{ contentType, contentUrl: null, content }] }
}

/** A line each: whether a TextRun breaks lines depends on the client. */
function lines(statement: string): object {
  const items = defang(statement)
    .split('\n')
    .map((each) => ({ ...runs(run(each === '' ? ' ' : each, 'code')), spacing: 'None' }))
  return { type: 'Container', style: 'emphasis', items }
}

function runs(...inlines: readonly object[]): object {
  return { type: 'RichTextBlock', inlines }
}

function run(text: string, style?: 'bold' | 'code'): object {
  if (style === 'bold') return { type: 'TextRun', text, weight: 'Bolder' }
  return { type: 'TextRun', text, ...(style === 'code' ? { fontType: 'Monospace' } : {}) }
}
