/** The thread that parses and judges. It holds nothing that is worth keeping, so it can be killed. */
import { isUtf8 } from 'node:buffer'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { ParseResult } from 'libpg-query'
import { type Catalogue, emptyCatalogue } from '../../protocol/pg/catalogue.ts'
import type { Inside } from '../../protocol/pg/execution.ts'
import { facts } from '../../protocol/pg/facts.ts'
import type { Analysis } from '../../protocol/pg/statement.ts'
import { insideCatalogue } from './inside.ts'
import {
  decodeTopic,
  type FromWorker,
  type Topic,
  type ToWorker,
  type WorkerData,
} from './messages.ts'
import { NoParse, Parser, TooMuch } from './parser.ts'
import { Answerer } from './ring.ts'

/** Memory of the module above which the worker is replaced: it never shrinks. */
const SPENT_BYTES = 256 * 1024 * 1024

const LOOK: FromWorker = { type: 'look' }

const port = parentPort
if (port === null) throw new Error('this is a worker')
const parser = await Parser.create()
let catalogue: Catalogue = emptyCatalogue()
const insides = new Map<number, Inside>()
port.postMessage({ type: 'ready' } satisfies FromWorker)
serve(new Answerer((workerData as WorkerData).ring, () => port.postMessage(LOOK)))

/** Until the broker ends the thread, or a text spends it. */
function serve(ring: Answerer): void {
  for (;;) {
    const question = ring.wait()
    if (question === null) {
      readMail()
      continue
    }
    const { analysis, spent } = analyse(question.text, decodeTopic(question.topic))
    const answer = JSON.stringify(analysis)
    if (!ring.answer(answer)) say({ type: 'large', answer })
    if (spent) return say({ type: 'spent' })
  }
}

function say(message: FromWorker): void {
  port?.postMessage(message)
}

/** The thread never comes back to its event loop, so it looks by itself. */
function readMail(): void {
  for (let mail = next(); mail !== undefined; mail = next()) {
    if (mail.type === 'catalogue') catalogue = mail.catalogue
    else if (mail.type === 'inside') insides.set(mail.id, mail.inside)
    else insides.delete(mail.id)
  }
}

/** Null: what it is to be judged by is not here any more. */
function catalogueOf({ inside }: Topic): Catalogue | null {
  if (inside === 0) return catalogue
  const found = insides.get(inside)
  return found === undefined ? null : insideCatalogue(catalogue, found)
}

function next(): ToWorker | undefined {
  return port === null ? undefined : (receiveMessageOnPort(port)?.message as ToWorker | undefined)
}

function analyse(text: Buffer, topic: Topic): { analysis: Analysis; spent: boolean } {
  const no = (reason: 'syntax' | 'limit' | 'fault', message: string): Analysis => ({
    ok: false,
    reason,
    message,
    length: text.length,
  })
  if (text.includes(0)) return { analysis: no('syntax', 'a zero byte in the text'), spent: false }
  if (!isUtf8(text)) return { analysis: no('syntax', 'the text is not UTF-8'), spent: false }
  const judgedBy = catalogueOf(topic)
  if (judgedBy === null) return { analysis: no('fault', 'its transaction is over'), spent: false }
  try {
    const tree = parser.parse(text) as ParseResult
    const parse = (sql: string): unknown => parser.parse(Buffer.from(sql))
    const analysis = facts(tree, text, judgedBy, topic.path, parse)
    return { analysis, spent: parser.memory > SPENT_BYTES }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof NoParse) return { analysis: no('syntax', message), spent: false }
    const reason = error instanceof TooMuch || error instanceof RangeError ? 'limit' : 'fault'
    return { analysis: no(reason, message), spent: true }
  }
}
