/** COPY: which way, what of, in which form. https://www.postgresql.org/docs/current/sql-copy.html */
import type { CopyOptions, Refusal } from '../statement.ts'
import { as, list, literal, node, type Tree, text } from './tree.ts'

export const PROGRAM_REFUSAL: Refusal = {
  sqlstate: '42501',
  message: 'hoop: COPY with a program runs a command on the database server',
  hint: 'Use \\copy, or COPY … STDIN and STDOUT.',
}

const DEFAULTS = {
  text: { delimiter: '\t', null: '\\N', quote: '', escape: '' },
  csv: { delimiter: ',', null: '', quote: '"', escape: '"' },
  binary: { delimiter: '', null: '', quote: '', escape: '' },
} as const

export function copyOptions(body: Tree): CopyOptions {
  const given = new Map<string, string>()
  for (const option of list(body, 'options')) {
    const element = as(option, 'DefElem')
    if (element !== null) given.set(text(element, 'defname'), optionText(element['arg']))
  }
  const format = formatOf(given.get('format'))
  const base = DEFAULTS[format]
  const quote = given.get('quote') ?? base.quote
  return {
    format,
    delimiter: given.get('delimiter') ?? base.delimiter,
    null: given.get('null') ?? base.null,
    quote,
    escape: given.get('escape') ?? (format === 'csv' ? quote : base.escape),
    header: isHeader(given.get('header')),
  }
}

function formatOf(name: string | undefined): CopyOptions['format'] {
  return name === 'csv' || name === 'binary' ? name : 'text'
}

/** No value says yes; `match` is a header too. */
function isHeader(value: string | undefined): boolean {
  return value !== undefined && !['false', 'off', '0'].includes(value.toLowerCase())
}

function optionText(argument: unknown): string {
  const found = node(argument)
  if (found === null) return 'true'
  const { type, body } = found
  if (type === 'String') return text(body, 'sval')
  if (type === 'Boolean') return body['boolval'] === true ? 'true' : 'false'
  if (type === 'Integer') return String(body['ival'] ?? 0)
  if (type === 'A_Const') return literal(body) ?? ''
  return 'true'
}

export function copyColumns(body: Tree): string[] | null {
  const names = list(body, 'attlist')
  if (names.length === 0) return null
  return names.map((name) => text(as(name, 'String') ?? {}, 'sval'))
}
