import { EXIT, HoopError } from '../protocol/errors.ts'

/** What a command line asks for. */
export type Invocation =
  | { readonly type: 'command'; readonly id: string; readonly argv: readonly string[] }
  | { readonly type: 'help'; readonly words: readonly string[] }
  | { readonly type: 'unknown'; readonly words: readonly string[] }

/** Short names that people guess. */
const ALIASES: Readonly<Record<string, string>> = {
  ls: 'connections',
  sessions: 'sessions list',
  'sessions ls': 'sessions list',
}

const HELP = new Set(['--help', '-h'])

/**
 * The command is the longest run of leading words that names one (`sessions show` before
 * `sessions`). `--json` and `--profile NAME` may stand before it, as in gh and kubectl.
 */
export function findCommand(argv: readonly string[], ids: readonly string[]): Invocation {
  const { flags, rest } = leadingFlags(argv)
  const asksHelp = rest.slice(0, beforeClient(rest)).some((word) => HELP.has(word))
  const words = leadingWords(rest)
  if (words[0] === 'help') return { type: 'help', words: words.slice(1) }
  for (let length = Math.min(words.length, 3); length > 0; length--) {
    const name = words.slice(0, length).join(' ')
    const id = ids.includes(name) ? name : ALIASES[name]
    if (id === undefined || (length === 1 && isTopic(name, ids) && words.length > 1)) continue
    if (asksHelp) return { type: 'help', words: (isTopic(name, ids) ? name : id).split(' ') }
    return { type: 'command', id, argv: [...flags, ...rest.slice(length)] }
  }
  if (words.length === 0) return { type: 'help', words: [] }
  const topicOnly = words.length === 1 || asksHelp
  if (topicOnly && isTopic(words[0] as string, ids))
    return { type: 'help', words: words.slice(0, 1) }
  return { type: 'unknown', words: words.slice(0, 2) }
}

/** An unknown word, with what was probably meant. */
export function unknownCommand(words: readonly string[], ids: readonly string[]): HoopError {
  const typed = isTopic(words[0] ?? '', ids) ? words.join(' ') : (words[0] ?? '')
  const near = nearest(typed, ids)
  return new HoopError({
    code: 'usage',
    message: `There is no command \`hoop ${typed}\`.`,
    hint: near
      ? `Did you mean \`hoop ${near}\`? \`hoop help\` lists all.`
      : '`hoop help` lists all.',
    exit: EXIT.usage,
    fault: 'client',
  })
}

function isTopic(word: string, ids: readonly string[]): boolean {
  return ids.some((id) => id.startsWith(`${word} `))
}

function leadingFlags(argv: readonly string[]): { flags: string[]; rest: string[] } {
  const flags: string[] = []
  const rest = [...argv]
  for (let word = rest[0]; word !== undefined; word = rest[0]) {
    if (word === '--json' || word.startsWith('--profile=')) flags.push(...rest.splice(0, 1))
    else if (word === '--profile' && rest.length > 1) flags.push(...rest.splice(0, 2))
    else break
  }
  return { flags, rest }
}

function leadingWords(argv: readonly string[]): string[] {
  const end = argv.findIndex((word) => word.startsWith('-'))
  return argv.slice(0, end < 0 ? argv.length : end)
}

function beforeClient(argv: readonly string[]): number {
  const end = argv.indexOf('--')
  return end < 0 ? argv.length : end
}

function nearest(typed: string, ids: readonly string[]): string | null {
  const scored = ids.map((id) => ({ id, distance: distance(typed, id) }))
  const best = scored.sort((a, b) => a.distance - b.distance)[0]
  return best && best.distance <= Math.max(2, typed.length / 3) ? best.id : null
}

/** Levenshtein's distance, one row at a time. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next[j] = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, swap)
    }
    row = next
  }
  return row[b.length] ?? 0
}
