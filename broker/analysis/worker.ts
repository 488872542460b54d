/** The thread that parses and judges. It holds nothing that is worth keeping, so it can be killed. */
import { isUtf8 } from 'node:buffer'
import { parentPort } from 'node:worker_threads'
import type { ParseResult } from 'libpg-query'
import { type Catalogue, emptyCatalogue } from '../../protocol/pg/catalogue.ts'
import { facts } from '../../protocol/pg/facts.ts'
import type { Analysis } from '../../protocol/pg/statement.ts'
import type { FromWorker, ToWorker } from './messages.ts'
import { NoParse, Parser, TooMuch } from './parser.ts'

/** Memory of the module above which the worker is replaced: it never shrinks. */
const SPENT_BYTES = 256 * 1024 * 1024

const parser = await Parser.create()
let catalogue: Catalogue = emptyCatalogue()

parentPort?.on('message', (message: ToWorker) => {
  if (message.type === 'catalogue') {
    catalogue = message.catalogue
    return
  }
  const { id, text, path } = message
  const { analysis, spent } = analyse(Buffer.from(text.buffer, text.byteOffset, text.length), path)
  say({ type: 'analysed', id, analysis, spent })
})
say({ type: 'ready' })

function say(message: FromWorker): void {
  parentPort?.postMessage(message)
}

function analyse(text: Buffer, path: readonly string[]): { analysis: Analysis; spent: boolean } {
  const no = (reason: 'syntax' | 'limit' | 'fault', message: string): Analysis => ({
    ok: false,
    reason,
    message,
    length: text.length,
  })
  if (text.includes(0)) return { analysis: no('syntax', 'a zero byte in the text'), spent: false }
  if (!isUtf8(text)) return { analysis: no('syntax', 'the text is not UTF-8'), spent: false }
  try {
    const tree = parser.parse(text) as ParseResult
    const analysis = facts(tree, text, catalogue, path, (sql) => parser.parse(Buffer.from(sql)))
    return { analysis, spent: parser.memory > SPENT_BYTES }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof NoParse) return { analysis: no('syntax', message), spent: false }
    const reason = error instanceof TooMuch || error instanceof RangeError ? 'limit' : 'fault'
    return { analysis: no(reason, message), spent: true }
  }
}
