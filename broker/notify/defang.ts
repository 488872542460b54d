/**
 * Text of others in a chat. The elements that carry it take no markup (rich_text, TextRun); this is the
 * second wall, for clients that make links and mentions out of plain text all the same.
 */
export function defang(text: string): string {
  return text
    .replaceAll('://', '[:]//')
    .replace(/\bwww\./gi, (found) => `${found.slice(0, -1)}[.]`)
    .replace(/<(?=[!@#]|\/?at\b)/gi, '‹')
    .replace(/(?<![\w.+-])@(?=here|channel|everyone|group)/gi, '(at)')
    .replaceAll('```', '’’’')
    .replace(/\](?=\()/g, '] ')
    .replace(/\{(?=\{)/g, '{ ')
}
