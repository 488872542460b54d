import {
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml'
import { z } from 'zod'
import { EXIT, HoopError } from '../../protocol/errors.ts'
import { didYouMean } from './spelling.ts'

/** One thing that is wrong with a file, and where. Lines and columns count from 1. */
export interface Fault {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

export type Path = readonly PropertyKey[]

/** `policy.yaml:5:22 unknown key "requets"`, as editors and terminals link it. */
export function showFault(fault: Fault): string {
  return `${fault.file}:${fault.line}:${fault.column} ${fault.message}`
}

/** Every fault of a file at once: nobody wants to find them one by one. */
export class FaultyFile extends HoopError {
  readonly faults: readonly Fault[]

  constructor(code: string, faults: readonly Fault[]) {
    super({
      code,
      message: faults.map(showFault).join('\n'),
      hint: `Mend ${faults.length === 1 ? 'this place' : `these ${faults.length} places`} and try again.`,
      exit: EXIT.usage,
      fault: 'policy',
    })
    this.faults = faults
  }
}

/** A YAML file that knows where each of its values stands. */
export class Document {
  readonly file: string
  readonly value: unknown
  readonly faults: readonly Fault[]
  readonly #tree: ReturnType<typeof parseDocument>
  readonly #lines = new LineCounter()

  constructor(text: string, file: string) {
    this.file = file
    this.#tree = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false })
    const found = [...this.#tree.errors, ...this.#tree.warnings]
    const faults = found.map((e) => this.#faultAt(e.pos[0], syntaxMessage(e.code, e.message)))
    faults.push(...this.#strangeKeys())
    this.value = faults.length ? undefined : this.#plain(faults)
    this.faults = faults
  }

  /** A fault at the value of `path`, or at the nearest thing above it that exists. */
  fault(path: Path, message: string): Fault {
    return this.#faultAt(this.#offset(path, 'value'), message)
  }

  /** A fault at the last key of `path`. */
  faultAtKey(path: Path, message: string): Fault {
    return this.#faultAt(this.#offset(path, 'key'), message)
  }

  /** `policy.yaml:5`, of the last key of `path`, or of an item of a list. */
  place(path: Path): string {
    const { line } = this.#faultAt(this.#offset(path, 'key'), '')
    return `${this.file}:${line}`
  }

  has(path: Path): boolean {
    return path.length === 0 ? this.#tree.contents !== null : this.#tree.hasIn(path as unknown[])
  }

  /** Keys that would vanish, or change, on the way to a plain object. */
  #strangeKeys(): readonly Fault[] {
    const faults: Fault[] = []
    visit(this.#tree, {
      Pair: (_, pair) => {
        const plain = isScalar(pair.key) && keyText(pair.key) !== '__proto__'
        if (!plain) faults.push(this.#faultAt(startOf(pair.key) ?? 0, 'this cannot be a key'))
      },
    })
    return faults
  }

  #plain(faults: Fault[]): unknown {
    try {
      return this.#tree.toJS({ maxAliasCount: 20 })
    } catch (error) {
      // The only reason: aliases that multiply ("billion laughs").
      faults.push(this.#faultAt(0, error instanceof Error ? error.message : String(error)))
      return undefined
    }
  }

  #faultAt(offset: number, message: string): Fault {
    const { line, col } = this.#lines.linePos(offset)
    return { file: this.file, line: Math.max(1, line), column: Math.max(1, col), message }
  }

  #offset(path: Path, what: 'key' | 'value'): number {
    let node: unknown = this.#tree.contents
    let offset = startOf(node) ?? 0
    for (const [index, step] of path.entries()) {
      const last = index === path.length - 1
      const pair = isMap(node) ? pairOf(node, step) : null
      const next = isSeq(node) ? node.items[Number(step)] : pair?.value
      if (pair) offset = startOf(pair.key) ?? offset
      if (next === undefined && !pair) break
      if (!(last && what === 'key' && pair)) offset = startOf(next) ?? offset
      node = next
    }
    return offset
  }
}

/** The value as the schema wants it, or all that is wrong with it. `base`: where it stands in the file. */
export function checkDocument<T>(
  document: Document,
  schema: z.ZodType<T>,
  base: Path = [],
): { readonly value: T | null; readonly faults: readonly Fault[] } {
  if (document.faults.length) return { value: null, faults: document.faults }
  const input = valueAt(document.value, base)
  if (input === null || input === undefined) {
    return { value: null, faults: [document.fault(base, 'nothing stands here')] }
  }
  const parsed = schema.safeParse(input)
  if (parsed.success) return { value: parsed.data, faults: [] }
  const keys = knownKeys(schema)
  const faults = parsed.error.issues.flatMap((issue) => issueFaults(document, issue, base, keys))
  return { value: null, faults: sortFaults(faults) }
}

export function sortFaults(faults: readonly Fault[]): readonly Fault[] {
  return faults.toSorted((a, b) => a.line - b.line || a.column - b.column)
}

type Issue = z.core.$ZodIssue

function issueFaults(
  document: Document,
  issue: Issue,
  base: Path,
  keys: readonly string[],
): readonly Fault[] {
  const path = [...base, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) =>
      document.faultAtKey([...path, key], `unknown key "${key}"${didYouMean(key, keys)}`),
    )
  }
  if (issue.code === 'invalid_key') {
    const why = issue.issues[0]?.message ?? issue.message
    return [document.faultAtKey(path, `"${String(path.at(-1))}": ${why}`)]
  }
  if (issue.code === 'invalid_union') {
    const branch = closestBranch(issue.errors)
    if (branch) return branch.flatMap((inner) => issueFaults(document, inner, path, keys))
  }
  if (!document.has(path)) {
    const key = String(path.at(-1))
    return [document.faultAtKey(path.slice(0, -1), `"${key}" is missing here`)]
  }
  return [document.fault(path, issue.message)]
}

/** The alternative that the author meant: the one that is wrong further inside, if any is. */
function closestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  const depth = (issues: readonly Issue[]) =>
    Math.max(...issues.map((i) => i.path.length + (i.code === 'unrecognized_keys' ? 1 : 0)))
  const best = branches
    .filter((issues) => issues.length > 0)
    .toSorted((a, b) => depth(b) - depth(a))[0]
  return best && depth(best) > 0 ? best : null
}

function knownKeys(schema: z.ZodType): readonly string[] {
  const found = new Set<string>()
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    const properties = (node as { properties?: object }).properties
    for (const key of Object.keys(properties ?? {})) found.add(key)
    for (const inner of Object.values(node)) walk(inner)
  }
  walk(z.toJSONSchema(schema, { io: 'input' }))
  return [...found]
}

function syntaxMessage(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'this key stands twice here: keep one of the two'
  if (code === 'MULTIPLE_DOCS') return 'a second document starts here: a file holds one'
  return `this is not YAML: ${message}`
}

function pairOf(map: YAMLMap, key: PropertyKey) {
  return map.items.find((pair) => isPair(pair) && keyText(pair.key) === String(key)) ?? null
}

function keyText(key: unknown): string {
  return String(isScalar(key) ? key.value : key)
}

function startOf(node: unknown): number | null {
  return isNode(node) ? (node.range?.[0] ?? null) : null
}

function valueAt(value: unknown, path: Path): unknown {
  let at: unknown = value
  for (const step of path) at = (at as Record<PropertyKey, unknown> | null | undefined)?.[step]
  return at
}
