/**
 * PostgreSQL's parser, fed with bytes. It lives in a worker alone (worker.ts): input can break the
 * module for good, or keep it busy for half a minute.
 */
import create, { type PgQueryModule } from 'libpg-query/wasm/libpg-query.js'

/** The parser looked at the text and said no. */
export class NoParse extends Error {
  override readonly name = 'NoParse'
}

/** Of libpg_query's own making: the text may be fine, it is too much. */
const TOO_MUCH = /stack depth|memory|too large/i

export class TooMuch extends Error {
  override readonly name = 'TooMuch'
}

export class Parser {
  private readonly module: PgQueryModule

  private constructor(module: PgQueryModule) {
    this.module = module
  }

  static async create(): Promise<Parser> {
    return new Parser(await create())
  }

  /** How much memory the module holds; it never gives any back. */
  get memory(): number {
    return this.module.HEAPU8.length
  }

  /** Any other error than NoParse and TooMuch: the module may be broken. */
  parse(text: Uint8Array): unknown {
    const { module } = this
    const input = module._malloc(text.length + 1)
    if (input === 0) throw new TooMuch('no memory for the text')
    module.HEAPU8.set(text, input)
    module.HEAPU8[input + text.length] = 0
    const result = module._wasm_parse_query_raw(input)
    try {
      return this.read(result)
    } finally {
      module._free(input)
      if (result !== 0) module._wasm_free_parse_result(result)
    }
  }

  /** PgQueryParseResult: the tree, what went to stderr, the error. */
  private read(result: number): unknown {
    const { module } = this
    if (result === 0) throw new TooMuch('no memory for the parse tree')
    const error = module.getValue(result + 8, 'i32')
    if (error !== 0) throw failure(module.UTF8ToString(module.getValue(error, 'i32')))
    return JSON.parse(module.UTF8ToString(module.getValue(result, 'i32')))
  }
}

function failure(message: string): Error {
  return TOO_MUCH.test(message) ? new TooMuch(message) : new NoParse(message)
}
