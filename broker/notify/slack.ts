import { defang } from './defang.ts'
import type { Message } from './message.ts'

/**
 * An incoming webhook of Slack. What others wrote stands in `rich_text` alone, whose text is shown as it
 * is; `text` and the header hold words of hoop's own.
 * https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
 */
export function slackBody(message: Message): unknown {
  const { headline, connection, request, facts, statement, note, commands } = message
  return {
    text: `hoop: ${headline}: ${request} on ${connection}`,
    mrkdwn: false,
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: headline, emoji: false } },
      rich(section(facts.flatMap(([label, value]) => [text(`${label}: `, true), ...line(value)]))),
      ...(statement === null
        ? []
        : [rich({ type: 'rich_text_preformatted', elements: [text(defang(statement))] })]),
      rich(section([...(note === '' ? [] : line(note)), ...commands.flatMap(code)])),
    ],
  }
}

function rich(element: object): object {
  return { type: 'rich_text', elements: [element] }
}

function section(elements: readonly object[]): object {
  return { type: 'rich_text_section', elements }
}

function line(value: string): object[] {
  return [text(`${defang(value)}\n`)]
}

function text(value: string, bold = false): object {
  return { type: 'text', text: value, ...(bold ? { style: { bold } } : {}) }
}

function code(command: string): object[] {
  return [{ type: 'text', text: command, style: { code: true } }, text('\n')]
}
