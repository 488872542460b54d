import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { Runtime } from '../runtime.ts'

/** Below every proxy's and fetch's patience with a silent answer. */
const HEARTBEAT_MS = 15_000

/** Aborted when the caller goes away before the answer is complete. */
export function whileConnected(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort()
  })
  return gone.signal
}

/**
 * Answers with JSON lines as they come. The first event is awaited before the headers are sent, so
 * that an order which cannot even start is a problem document. An empty line is a heartbeat.
 */
export async function jsonLines(
  reply: FastifyReply,
  events: AsyncIterable<unknown>,
  runtime: Pick<Runtime, 'setTimer'>,
): Promise<FastifyReply> {
  const iterator = events[Symbol.asyncIterator]()
  const first = await iterator.next()
  reply.type('application/x-ndjson; charset=utf-8').header('X-Accel-Buffering', 'no')
  return reply.send(Readable.from(lines(first, iterator, runtime), { objectMode: false }))
}

async function* lines(
  first: IteratorResult<unknown>,
  iterator: AsyncIterator<unknown>,
  runtime: Pick<Runtime, 'setTimer'>,
): AsyncGenerator<string> {
  try {
    for (let item = first; !item.done; ) {
      yield `${JSON.stringify(item.value)}\n`
      const next = iterator.next()
      while (!(await arrived(next, runtime))) yield '\n'
      item = await next
    }
  } finally {
    await iterator.return?.()
  }
}

/** False: nothing came within the time of a heartbeat. */
async function arrived(
  next: Promise<unknown>,
  runtime: Pick<Runtime, 'setTimer'>,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = runtime.setTimer(HEARTBEAT_MS, () => resolve(false))
  const done = () => resolve(true)
  next.then(done, done)
  try {
    return await promise
  } finally {
    timer.cancel()
  }
}
