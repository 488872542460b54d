import type { Interfaces } from '@oclif/core'
import { type CommandClass, commands, loadCommand } from '../commands.ts'
import { unknownCommand } from '../resolve.ts'
import { Output } from './output.ts'
import { pad, wrap } from './width.ts'

/** What a person wants to do, in the order in which people come to it. */
const GROUPS: readonly (readonly [string, readonly string[]])[] = [
  ['Start', ['demo', 'login', 'logout', 'whoami']],
  ['Work', ['connections', 'connect', 'exec', 'request', 'answer', 'cancel']],
  ['Decide', ['requests', 'show', 'review', 'ask', 'approve', 'reject', 'revoke', 'sod']],
  ['Look back', ['sessions']],
  ['Run it', ['policy', 'secrets', 'broker', 'doctor']],
]

const EXIT_CODES: readonly (readonly [string, string])[] = [
  ['0', 'done'],
  ['1', 'the operation itself failed (the target said so, for example)'],
  ['2', 'wrong usage'],
  ['3', 'not logged in, or the login expired'],
  ['4', 'refused by policy, or by segregation of duties'],
  ['5', 'rejected by an approver'],
  ['6', 'nobody decided in time, or it expired'],
  ['7', 'broker, identity provider or target unreachable'],
  ['8', 'evidence does not verify'],
]

type Row = readonly [string, string]

/** Help for everything, for a topic (`sessions`) or for one command, on stdout. */
export async function showHelp(words: readonly string[]): Promise<void> {
  const out = new Output(false)
  out.data(await helpText(words, out))
}

export async function helpText(words: readonly string[], out: Output): Promise<string> {
  if (words.length === 0) return rootHelp(out)
  const name = words.join(' ')
  if (commands[name]) return commandHelp(await loadCommand(name), out)
  const ids = Object.keys(commands).filter((id) => id.startsWith(`${words[0]} `))
  if (ids.length === 0 || words.length > 1) throw unknownCommand(words, Object.keys(commands))
  const rows = await Promise.all(ids.map(summaryRow))
  const usage = `  hoop ${words[0]} COMMAND`
  return sections(out, [
    ['Usage', [usage]],
    ['Commands', list(rows, out)],
    ['More', [`  hoop help ${ids[0]}`]],
  ])
}

async function rootHelp(out: Output): Promise<string> {
  const first =
    'hoop: databases behind a gate. Every write waits until a different person approves it.'
  const groups = await Promise.all(
    GROUPS.map(async ([title, names]): Promise<[string, string[]]> => {
      const ids = names.flatMap(idsOf)
      return [title, list(await Promise.all(ids.map(summaryRow)), out)]
    }),
  )
  const body = sections(out, [
    ['Usage', ['  hoop COMMAND [FLAGS]']],
    ...groups,
    ['Everywhere', list(EVERYWHERE, out)],
    ['Exit codes', list(EXIT_CODES, out)],
    ['More', ['  hoop help COMMAND']],
  ])
  return `${wrap(first, out.width).join('\n')}\n\n${body}`
}

const EVERYWHERE: readonly Row[] = [
  ['--json', 'print JSON on stdout; a failure is one JSON line on stderr'],
  ['--profile NAME', 'act as the identity kept under this name'],
  ['HOOP_…', 'every flag has a variable: --max-rows is HOOP_MAX_ROWS'],
  ['HOOP_HOME', 'where hoop keeps its files (~/.hoop)'],
]

function idsOf(name: string): string[] {
  return Object.keys(commands).filter((id) => id === name || id.startsWith(`${name} `))
}

async function summaryRow(id: string): Promise<Row> {
  const { summary } = await loadCommand(id)
  return [id, sentence(summary ?? '')]
}

function commandHelp(command: CommandClass, out: Output): string {
  const { summary, description, id } = command
  const own = flagRows(command.flags)
  const shared = flagRows(command.baseFlags)
  const examples = (command.examples ?? []).map(exampleText)
  const text = description ? wrap(description.replaceAll('\n', ' '), out.width - 2) : []
  const body = sections(out, [
    ['Usage', [`  ${usageOf(command)}`]],
    ['About', text.map((line) => `  ${line}`)],
    ['Arguments', list(argumentRows(command), out)],
    ['Flags', list(own, out)],
    ['Everywhere', list(shared, out)],
    ['Examples', examples.map((example) => `  $ ${example}`)],
  ])
  const title = summary ? `${sentence(summary)}\n\n` : `hoop ${id}\n\n`
  return title + body
}

function usageOf(command: CommandClass): string {
  const args = Object.entries(command.args ?? {}).map(([name, arg]) =>
    arg.required ? name.toUpperCase() : `[${name.toUpperCase()}]`,
  )
  const required = Object.entries(command.flags ?? {})
    .filter(([, flag]) => flag.required)
    .map(([name, flag]) => `--${name}${valueOfFlag(flag)}`)
  const client = command.usage === undefined ? [] : [String(command.usage)]
  return ['hoop', command.id, ...args, ...required, '[FLAGS]', ...client].join(' ')
}

function argumentRows(command: CommandClass): Row[] {
  return Object.entries(command.args ?? {}).map(([name, arg]) => [
    name.toUpperCase(),
    arg.description ?? '',
  ])
}

type Flag = Interfaces.FlagInput[string]

function flagRows(flags: Interfaces.FlagInput | undefined): Row[] {
  return Object.entries(flags ?? {})
    .filter(([, flag]) => flag.hidden !== true)
    .map(([name, flag]): Row => {
      const long = flag.type === 'boolean' && flag.allowNo ? `--[no-]${name}` : `--${name}`
      const short = flag.char ? `-${flag.char}, ` : ''
      const env = flag.env ? ` [${flag.env}]` : ''
      return [`${short}${long}${valueOfFlag(flag)}`, `${flag.description ?? ''}${env}`]
    })
}

function valueOfFlag(flag: Flag): string {
  if (flag.type === 'boolean') return ''
  const options = flag.options?.join('|')
  const value = Array.isArray(flag.helpValue) ? flag.helpValue.join(' ') : flag.helpValue
  return ` ${options ?? value ?? 'VALUE'}`
}

function exampleText(example: string | { command: string }): string {
  const text = typeof example === 'string' ? example : example.command
  return text.replaceAll('<%= config.bin %>', 'hoop').replace(/^\$ /, '')
}

function sections(out: Output, parts: readonly (readonly [string, readonly string[]])[]): string {
  return parts
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => `${out.bold(title)}\n${lines.join('\n')}`)
    .join('\n\n')
}

/** Names on the left, their text wrapped on the right. */
function list(rows: readonly Row[], out: Output): string[] {
  const left = Math.max(0, ...rows.map(([name]) => name.length)) + 2
  return rows.flatMap(([name, text]) =>
    wrap(text, Math.max(24, out.width - left - 2)).map((line, at) =>
      `  ${pad(at === 0 ? name : '', left)}${line}`.trimEnd(),
    ),
  )
}

/** Summaries come with and without a capital and a full stop; here they all have them. */
function sentence(text: string): string {
  const trimmed = text.trim()
  if (trimmed === '') return ''
  const first = trimmed.charAt(0).toUpperCase() + trimmed.slice(1)
  return /[.!?]$/.test(first) ? first : `${first}.`
}
