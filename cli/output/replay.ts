import type { SessionEntry } from '../../protocol/api/sessions.ts'
import type { Output } from './output.ts'
import { type ResultPrinter, tablePrinter } from './results.ts'
import { describeTime } from './time.ts'
import { visible, visibleLine } from './visible.ts'

type EntryOf<K extends SessionEntry['kind']> = Extract<SessionEntry, { kind: K }>

export interface ReplayOptions {
  /** False: statements and decisions, without what came back. */
  readonly results: boolean
}

/** Prints a session as it was seen: what was asked, what was decided, what came back. */
export class ReplayPrinter {
  readonly #out: Output
  readonly #options: ReplayOptions
  readonly #texts = new Map<number, string>()
  readonly #shapes = new Map<number, EntryOf<'shape'>['fields']>()
  #database = ''
  /** The version of the policy that decided last. */
  #policy: number | null = null
  #table: { readonly ref: number; readonly printer: ResultPrinter } | null = null

  constructor(out: Output, options: ReplayOptions) {
    this.#out = out
    this.#options = options
  }

  take(entry: SessionEntry): void {
    if (this.#table !== null && !continues(entry, this.#table.ref)) this.#endTable()
    switch (entry.kind) {
      case 'open':
        this.#open(entry)
        break
      case 'statement':
        this.#texts.set(entry.ref, entry.text)
        break
      case 'execute':
        this.#execute(entry)
        break
      case 'request':
        this.#request(entry)
        break
      case 'shape':
        this.#shapes.set(entry.ref, entry.fields)
        break
      case 'rows':
        this.#rows(entry)
        break
      case 'complete':
        this.#complete(entry)
        break
      case 'error':
      case 'notice':
        this.#report(entry)
        break
      case 'copy-in':
        this.#aside(entry, `COPY: ${entry.rows ?? '?'} rows, ${entry.size} bytes, ${entry.digest}`)
        break
      case 'copy-data':
        if (this.#options.results) this.#text(entry.copy)
        break
      case 'parameter':
        this.#aside(entry, `${entry.name} = ${entry.value}`)
        break
      case 'other':
        this.#aside(entry, `${entry.name} ${entry.detail}`)
        break
      case 'found':
        this.#aside(entry, `covered: ${entry.found.map(foundText).join(', ')}`)
        break
      case 'torn':
        this.#aside(entry, `a crash tore ${entry.size} bytes off here`)
        break
      case 'close':
        this.#rule(`${clock(entry.at)} closed: ${entry.why}`)
        break
      case 'damage':
        this.#out.data(this.#out.style('red', `entry ${entry.entry}: ${visibleLine(entry.reason)}`))
    }
  }

  /** After the last entry. */
  end(): void {
    this.#endTable()
  }

  #open(entry: EntryOf<'open'>): void {
    const { session, user, connection, database, at, remote, client, reason } = entry
    this.#database = database
    const who = `${session} · ${user} · ${connection}/${database} · ${describeTime(at)}`
    this.#rule(`${who} · from ${remote} · ${client.join(' ')}`)
    if (reason !== null) this.#aside(entry, `reason: ${reason}`)
  }

  #execute(entry: EntryOf<'execute'>): void {
    const text = visible(this.#texts.get(entry.ref) ?? `(statement ${entry.ref})`).trimEnd()
    const prompt = this.#out.style('dim', `${clock(entry.at)} ${visibleLine(this.#database)}=>`)
    this.#out.data(`${prompt} ${this.#out.bold(text)}`)
    const { parameters, decision, rule, reason, request, policy } = entry
    if (policy !== this.#policy && policy !== null) this.#aside(entry, `policy version ${policy}`)
    this.#policy = policy
    if (parameters.length > 0) {
      const values = parameters.map((value, at) => `$${at + 1} = ${value ?? 'NULL'}`)
      this.#aside(entry, values.join(', '))
    }
    if (decision === 'allow') return
    const because = [request, reason].filter((part) => part !== null).join(': ')
    this.#aside(entry, `${decision === 'hold' ? 'held' : 'denied'} by ${rule} ${because}`.trimEnd())
  }

  #request({ at, request, state, by, comment }: EntryOf<'request'>): void {
    const said = comment === null ? '' : `: ${comment}`
    this.#mark(at, `${request} ${state}${by === null ? '' : ` by ${by}`}${said}`)
  }

  #rows(entry: EntryOf<'rows'>): void {
    if (!this.#options.results) return
    if (entry.copy !== null) this.#text(entry.copy)
    if (entry.rows.length > 0) this.#tableOf(entry.ref).take({ event: 'rows', rows: entry.rows })
    if (entry.large > 0) this.#aside(entry, `${entry.large} rows are too large to be shown`)
  }

  #tableOf(ref: number): ResultPrinter {
    if (this.#table !== null) return this.#table.printer
    const printer = tablePrinter(this.#out)
    printer.take({ event: 'result', fields: this.#shapes.get(ref) ?? [] })
    this.#table = { ref, printer }
    return printer
  }

  #complete({ ref, command, rows, took_ms }: EntryOf<'complete'>): void {
    this.#table?.printer.end()
    this.#table = null
    const counted = this.#options.results && this.#shapes.has(ref) && rows !== null
    const what = counted ? `(${rows} ${rows === 1 ? 'row' : 'rows'})` : visibleLine(command)
    this.#out.data(`${what}${this.#out.style('dim', `  ${took_ms.toFixed(1)} ms`)}`)
  }

  #report({ severity, sqlstate, message, detail, hint }: EntryOf<'error' | 'notice'>): void {
    const lines = [`${severity}: ${message} (${sqlstate})`]
    if (detail !== null) lines.push(`DETAIL: ${detail}`)
    if (hint !== null) lines.push(`HINT: ${hint}`)
    const colour = severity === 'NOTICE' ? 'yellow' : 'red'
    for (const line of lines) this.#out.data(this.#out.style(colour, visible(line)))
  }

  #endTable(): void {
    this.#table?.printer.end()
    this.#table = null
  }

  #text(text: string): void {
    this.#out.data(visible(text.replace(/\n$/, '')))
  }

  #aside({ at }: SessionEntry, text: string): void {
    this.#mark(at, text)
  }

  #mark(at: string, text: string): void {
    this.#out.data(this.#out.style('dim', `${clock(at)} · ${visibleLine(text)}`))
  }

  #rule(text: string): void {
    this.#out.data(this.#out.style('cyan', `── ${visibleLine(text)}`))
  }
}

function continues(entry: SessionEntry, ref: number): boolean {
  const isOfResult = entry.kind === 'rows' || entry.kind === 'found' || entry.kind === 'complete'
  return isOfResult && entry.ref === ref
}

/** `3 × card in note` */
function foundText({ where, what, count }: EntryOf<'found'>['found'][number]): string {
  return `${count} × ${what} in ${where}`
}

/** `07:03:09.123`, local. */
function clock(time: string): string {
  const date = new Date(time)
  const ms = String(date.getMilliseconds()).padStart(3, '0')
  return `${describeTime(time).slice(11)}.${ms}`
}
