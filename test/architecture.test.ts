import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

/** The import table of docs/architecture.md as data, and the rules about what is absent. */

const root = fileURLToPath(new URL('..', import.meta.url))
const PURE = ['protocol']

/** Folder (or file), and what it may import besides itself: folders, files, libraries. First fit wins. */
interface Rule {
  readonly of: string
  readonly may: readonly string[]
  /** `any`: every library. */
  readonly libraries: readonly string[] | 'any'
}

const protocolFiles = ['protocol/bytes', 'protocol/errors.ts', 'protocol/gate.ts']
const brokerBase = ['protocol', 'broker/runtime.ts', 'broker/config.ts', 'broker/config']
const HASHES = ['node:crypto']

const TABLE: readonly Rule[] = [
  { of: 'protocol/bytes', may: [], libraries: [] },
  { of: 'protocol/tunnel', may: protocolFiles, libraries: [...HASHES, 'msgpackr', 'zod'] },
  { of: 'protocol/pg', may: protocolFiles, libraries: HASHES },
  { of: 'protocol/log', may: protocolFiles, libraries: HASHES },
  { of: 'protocol/api', may: protocolFiles, libraries: [...HASHES, 'zod'] },
  { of: 'protocol', may: ['protocol/bytes'], libraries: [] },
  { of: 'broker/policy', may: ['protocol'], libraries: ['zod', 'yaml', 'node:crypto'] },
  { of: 'broker/masking', may: ['protocol'], libraries: HASHES },
  { of: 'broker/runtime.ts', may: ['protocol'], libraries: ['node:crypto'] },
  { of: 'broker/config.ts', may: ['protocol', 'broker/config', 'broker/policy'], libraries: 'any' },
  { of: 'broker/config', may: ['protocol', 'broker/config.ts', 'broker/policy'], libraries: 'any' },
  { of: 'broker/upstream', may: brokerBase, libraries: 'any' },
  { of: 'broker/store', may: brokerBase, libraries: 'any' },
  { of: 'broker/analysis', may: [...brokerBase, 'broker/upstream'], libraries: 'any' },
  { of: 'broker/recorder', may: [...brokerBase, 'broker/store'], libraries: 'any' },
  { of: 'broker/approval', may: [...brokerBase, 'broker/store'], libraries: 'any' },
  { of: 'broker/identity', may: [...brokerBase, 'broker/store'], libraries: 'any' },
  { of: 'broker/notify', may: [...brokerBase, 'broker/store'], libraries: 'any' },
  {
    of: 'broker/changes',
    may: [...brokerBase, 'broker/policy', 'broker/store', 'broker/approval'],
    libraries: 'any',
  },
  {
    of: 'broker/session',
    may: [
      ...brokerBase,
      ...['broker/policy', 'broker/masking', 'broker/upstream', 'broker/store', 'broker/analysis'],
      ...[
        'broker/recorder',
        'broker/approval',
        'broker/identity',
        'broker/notify',
        'broker/changes',
      ],
    ],
    libraries: 'any',
  },
  {
    of: 'broker/trial',
    may: [
      ...brokerBase,
      ...['broker/policy', 'broker/masking', 'broker/analysis', 'broker/recorder'],
      ...['broker/identity', 'broker/changes', 'broker/session'],
    ],
    libraries: 'any',
  },
  {
    of: 'broker/tunnel',
    may: [...brokerBase, 'broker/identity', 'broker/session'],
    libraries: 'any',
  },
  {
    of: 'broker/api',
    may: [
      ...brokerBase,
      ...['broker/policy', 'broker/masking', 'broker/analysis', 'broker/store', 'broker/recorder'],
      ...['broker/approval', 'broker/identity', 'broker/changes', 'broker/session'],
      'broker/trial',
    ],
    libraries: 'any',
  },
  { of: 'broker/demo', may: ['protocol', 'broker'], libraries: 'any' },
  { of: 'broker/main.ts', may: ['protocol', 'broker'], libraries: 'any' },
  { of: 'cli', may: ['protocol'], libraries: 'any' },
]

/** The only doors from the command line to the broker, and only by `await import` (types cost nothing). */
const DOORS = [
  'cli/commands/broker/',
  'cli/commands/policy/',
  'cli/commands/demo.ts',
  'cli/output/demo.ts',
]

/** Nothing but these may import the demo. */
const DEMO_DOORS = [
  ...['broker/demo/', 'cli/commands/demo.ts', 'cli/output/demo.ts', 'test/'],
  // Its PostgreSQL, for the schema of a file of cases.
  'cli/commands/policy/test.ts',
]

/** One place makes "allow" (invariant 4). */
const ALLOW_IS_MADE_IN = 'broker/policy/decide.ts'

interface Import {
  readonly from: string
  readonly what: string
  /** A static import that is there when the program runs. */
  readonly loads: boolean
}

const IMPORT = /^(?:import|export)\s(?!type\s)(?:[^'"`;]*?\sfrom\s+)?'([^']+)'/gm
const TYPES = /^(?:import|export)\s+type\s[^'"`;]*?\sfrom\s+'([^']+)'/gm
const DYNAMIC = /\bimport\(\s*'([^']+)'\s*\)/g

const files = ['bin', 'cli', 'protocol', 'broker', 'test'].flatMap(sources)
const imports = files.flatMap(importsOf)

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** The code alone: what a comment or a string says breaks no rule. */
function code(file: string): string {
  return read(file)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|\s)\/\/.*$/gm, '$1')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
}

function importsOf(file: string): Import[] {
  const text = read(file)
  const found = (pattern: RegExp, loads: boolean) =>
    [...text.matchAll(pattern)].map((match) => ({
      from: file,
      what: target(file, match[1] ?? ''),
      loads,
    }))
  return [...found(IMPORT, true), ...found(TYPES, false), ...found(DYNAMIC, false)]
}

function target(from: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier
  return relative(root, resolve(root, dirname(from), specifier))
    .split(sep)
    .join('/')
}

function within(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`)
}

function isOurs(what: string): boolean {
  return /^(bin|cli|protocol|broker|test)\//.test(what)
}

function ruleOf(file: string): Rule | undefined {
  return TABLE.find((rule) => within(file, rule.of))
}

function mayImport(rule: Rule, { from, what, loads }: Import): boolean {
  if (isOurs(what)) return within(what, rule.of) || rule.may.some((place) => within(what, place))
  if (rule.libraries === 'any' || !loads) return true
  return rule.libraries.includes(what) || what === 'node:buffer' || from.startsWith('test/')
}

function isDoor(found: Import): boolean {
  return !found.loads && DOORS.some((door) => found.from.startsWith(door))
}

function complain(list: readonly Import[]): string[] {
  return list.map(({ from, what }) => `${from} imports ${what}`)
}

test('every source file stands in a folder of the import table', () => {
  const strays = files.filter((file) => !/^(test|bin)\//.test(file) && !ruleOf(file))
  assert.deepEqual(strays, [])
})

test('each folder imports what the import table lets it import', () => {
  const broken = imports.filter((found) => {
    const rule = ruleOf(found.from)
    return rule !== undefined && !mayImport(rule, found) && !isDoor(found)
  })
  assert.deepEqual(complain(broken), [])
})

test('the table would notice', () => {
  const caught = (from: string, what: string, loads = true) => {
    const rule = ruleOf(from)
    assert.ok(rule)
    return !mayImport(rule, { from, what, loads }) && !isDoor({ from, what, loads })
  }
  assert.ok(imports.length > files.length, 'imports are found')
  assert.ok(caught('protocol/pg/gate.ts', 'node:net'))
  assert.ok(caught('protocol/pg/gate.ts', 'protocol/tunnel/frame.ts'))
  assert.ok(caught('broker/policy/decide.ts', 'broker/runtime.ts'))
  assert.ok(caught('broker/masking/rows.ts', 'broker/analysis/analyst.ts'))
  assert.ok(caught('cli/commands/exec.ts', 'broker/main.ts', false))
  assert.ok(caught('cli/commands/demo.ts', 'broker/main.ts'))
  assert.ok(!caught('cli/commands/demo.ts', 'broker/main.ts', false))
})

test('policy, approval, upstream, masking and recorder never import one another', () => {
  const apart = ['policy', 'approval', 'upstream', 'masking', 'recorder'].map((n) => `broker/${n}`)
  const broken = imports.filter(({ from, what }) => {
    const home = apart.find((place) => within(from, place))
    return home !== undefined && apart.some((place) => place !== home && within(what, place))
  })
  assert.deepEqual(complain(broken), [])
})

test('nothing but its command and the tests imports the demo', () => {
  const broken = imports.filter(
    ({ from, what }) =>
      within(what, 'broker/demo') && !DEMO_DOORS.some((door) => from.startsWith(door)),
  )
  assert.deepEqual(complain(broken), [])
})

test('the sources never import a test', () => {
  const broken = imports.filter(
    ({ from, what }) => !from.startsWith('test/') && within(what, 'test'),
  )
  assert.deepEqual(complain(broken), [])
})

/** Invariant 1. `Promise` as a type is a promise to wait, too. */
const IMPURE: readonly (readonly [string, RegExp])[] = [
  ['awaits', /\b(await|async)\b|\bPromise\b/],
  ['reads a clock', /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\b|\bhrtime\b/],
  ['sets a timer', /\b(setTimeout|setInterval|setImmediate|queueMicrotask)\b/],
  ['makes randomness', /\bMath\.random\b|\brandomBytes\b|\brandomUUID\b|\bgetRandomValues\b/],
  ['touches the process', /\bprocess\./],
  [
    'reaches the network',
    /\b(globalThis|WebSocket|XMLHttpRequest)\b|\bfetch\((['"`]|new URL\b|url\b)/,
  ],
]

test('protocol never awaits, reads a clock or reaches out', () => {
  const pure = files.filter((file) => PURE.some((place) => within(file, place)))
  const broken = pure.flatMap((file) =>
    IMPURE.filter(([, pattern]) => pattern.test(code(file))).map(([what]) => `${file} ${what}`),
  )
  assert.deepEqual(broken, [])
})

test('policy and masking read no clock and touch no process', () => {
  const broken = files
    .filter((file) => within(file, 'broker/policy') || within(file, 'broker/masking'))
    .flatMap((file) =>
      IMPURE.filter(([, pattern]) => pattern.test(code(file))).map(([what]) => `${file} ${what}`),
    )
  assert.deepEqual(broken, [])
})

/** A verdict names its rule; a rule of the policy (parse.ts) is only the word. */
const ALLOWING = /\bdecision:\s*'allow',\s*rule\b/
const ALLOWING_AT_ALL = /[{,]\s*decision:\s*'allow'\s*[,}]/

test('"allow" is made in one file', () => {
  const makers = files
    .filter((file) => !/^(test|bin)\//.test(file))
    .filter((file) => (within(file, 'broker/policy') ? ALLOWING : ALLOWING_AT_ALL).test(read(file)))
  assert.deepEqual(makers, [ALLOW_IS_MADE_IN])
})

test('no comment hides an error from the checks', () => {
  const marks = /@ts-(ignore|nocheck|expect-error)|\.(skip|only|todo)\(|\bTODO\b|\bFIXME\b/
  const here = 'test/architecture.test.ts'
  assert.deepEqual(
    files.filter((file) => file !== here && marks.test(read(file))),
    [],
  )
})
