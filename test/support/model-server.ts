import {
  bindComplete,
  closeComplete,
  columns,
  complete,
  error,
  noData,
  parameters,
  parseComplete,
  ready,
  row,
} from './messages.ts'

/** Enough of a PostgreSQL to talk to: its errors, its skipping, its transaction states. */
export class ModelServer {
  /** Texts of class write that it was given to run or to bind, in order. */
  readonly written: string[] = []
  private status: 'I' | 'T' | 'E' = 'I'
  private skipping = false
  private readonly statements = new Map<string, string>()
  private readonly portals = new Map<string, string>()
  private readonly savepoints: string[] = []

  /** Whole messages, and their answers. */
  take(bytes: Buffer): Buffer {
    const answers: Buffer[] = []
    for (let rest = bytes; rest.length > 0; ) {
      const size = rest.readInt32BE(1) + 1
      answers.push(this.one(rest.subarray(0, size)))
      rest = rest.subarray(size)
    }
    return Buffer.concat(answers)
  }

  private one(bytes: Buffer): Buffer {
    const type = String.fromCharCode(bytes[0] ?? 0)
    const body = bytes.subarray(5)
    if (type === 'S') return this.sync()
    if (this.skipping || type === 'H') return NOTHING
    if (type === 'Q') return Buffer.concat([this.query(textOf(body)), ready(this.status)])
    const answer = this.extended(type, body)
    if (answer !== null) return answer
    this.fail()
    this.skipping = true
    return error('XX000')
  }

  private sync(): Buffer {
    this.skipping = false
    if (this.status === 'I') this.portals.clear()
    return ready(this.status)
  }

  private fail(): Buffer {
    if (this.status === 'T') this.status = 'E'
    return FAILED
  }

  private query(text: string): Buffer {
    this.portals.delete('')
    this.statements.delete('')
    if (this.status === 'I') this.portals.clear()
    if (text.startsWith('SELECT pg_catalog.array_to_string'))
      return Buffer.concat([columns('p'), row('public'), complete('SELECT 1')])
    const answers: Buffer[] = []
    for (const each of (SPELLED[text] ?? text).split('; ')) {
      answers.push(this.run(each))
      if (answers.at(-1)?.[0] === ERROR) break
    }
    return Buffer.concat(answers)
  }

  private run(text: string): Buffer {
    const [verb = ''] = text.split(' ')
    if (verb === 'COMMIT' || (verb === 'ROLLBACK' && !text.includes(' TO '))) return this.end(verb)
    if (verb === 'ROLLBACK' && text.includes(' TO ')) return this.backTo(text)
    if (this.status === 'E') return this.fail()
    if (verb === 'BEGIN') this.status = 'T'
    if (verb === 'SAVEPOINT') {
      if (this.status !== 'T') return this.fail()
      this.savepoints.push(text.slice(10))
    }
    if (verb === 'RELEASE') {
      const at = this.savepoints.lastIndexOf(text.slice(18))
      if (at === -1) return this.fail()
      this.savepoints.length = at
    }
    return this.plain(text)
  }

  private plain(text: string): Buffer {
    if (text === 'write') this.written.push(text)
    if (text.startsWith('bad')) return this.fail()
    return text === 'read'
      ? Buffer.concat([columns('a'), row('1'), complete('SELECT 1')])
      : complete(text.split(' ')[0]?.toUpperCase() ?? '')
  }

  private end(verb: string): Buffer {
    const tag = this.status === 'E' ? 'ROLLBACK' : verb
    this.status = 'I'
    this.portals.clear()
    this.savepoints.length = 0
    return complete(tag)
  }

  private backTo(text: string): Buffer {
    const at = this.savepoints.lastIndexOf(text.slice(22))
    if (this.status === 'I' || at === -1) return this.fail()
    this.savepoints.length = at + 1
    this.status = 'T'
    return complete('ROLLBACK')
  }

  /** Null: an error. */
  private extended(type: string, body: Buffer): Buffer | null {
    const [first, second] = [textOf(body), textOf(body.subarray(textOf(body).length + 1))]
    const [what, name] = [first[0], first.slice(1)]
    switch (type) {
      case 'P':
        return this.parse(first, second)
      case 'B':
        return this.bind(first, this.statements.get(second))
      case 'D':
        return this.describe(what === 'S', name)
      case 'E':
        return this.execute(this.portals.get(first))
      case 'C':
        if (what === 'S') this.statements.delete(name)
        else this.portals.delete(name)
        return closeComplete
      default:
        throw new Error(`the broker sent ${type}`)
    }
  }

  private parse(name: string, text: string): Buffer | null {
    if (name === '') this.statements.delete('')
    if (this.status === 'E' || this.statements.has(name)) return null
    this.statements.set(name, text)
    return parseComplete
  }

  private bind(portal: string, text: string | undefined): Buffer | null {
    if (text === undefined || this.status === 'E') return null
    if (portal !== '' && this.portals.has(portal)) return null
    if (text === 'write') this.written.push(`bind ${text}`)
    this.portals.set(portal, text)
    return bindComplete
  }

  private describe(isStatement: boolean, name: string): Buffer | null {
    const text = (isStatement ? this.statements : this.portals).get(name)
    if (text === undefined) return null
    const shape = text === 'read' ? columns('a') : noData
    return isStatement ? Buffer.concat([parameters(), shape]) : shape
  }

  private execute(text: string | undefined): Buffer | null {
    if (text === undefined || this.status === 'E') return null
    const answer = this.plain(text)
    if (answer === FAILED) return null
    // Execute says no RowDescription.
    return text === 'read' ? Buffer.concat([row('1'), complete('SELECT 1')]) : answer
  }
}

function textOf(body: Buffer): string {
  return body.toString('utf8', 0, body.indexOf(0))
}

/** What a client says, as the broker would. */
const SPELLED: Readonly<Record<string, string>> = {
  begin: 'BEGIN',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  save: 'SAVEPOINT a',
  back: 'ROLLBACK TO SAVEPOINT a',
}
const ERROR = 0x45
const FAILED = error('XX000')
const NOTHING = Buffer.alloc(0)
