import { EXIT, HoopError } from '../protocol/errors.ts'

/** The longest line that is believed: a result's batch of rows with a 100 MB value, escaped. */
const LINE_LIMIT = 1024 * 1024 * 1024

/** Reads an answer of JSON lines; an empty line is a heartbeat. */
export async function* jsonLines<T>(
  response: Response,
  schema: { parse(value: unknown): T },
): AsyncGenerator<T> {
  for await (const line of lines(response)) {
    if (line !== '') yield schema.parse(JSON.parse(line))
  }
}

async function* lines(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let parts: string[] = []
  let length = 0
  for await (const chunk of bodyOf(response)) {
    const text = decoder.decode(chunk, { stream: true })
    const pieces = text.split('\n')
    for (const piece of pieces.slice(0, -1)) {
      yield [...parts, piece].join('')
      parts = []
      length = 0
    }
    const rest = pieces.at(-1) ?? ''
    length += rest.length
    if (length > LINE_LIMIT) throw cutOff('a line of its answer has no end')
    parts.push(rest)
  }
}

async function* bodyOf(response: Response): AsyncGenerator<Uint8Array> {
  if (!response.body) throw cutOff('its answer is empty')
  try {
    yield* response.body
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'AbortError') throw cause
    throw cutOff('the connection broke', cause)
  }
}

function cutOff(why: string, cause?: unknown): HoopError {
  return new HoopError({
    code: 'broker_lost',
    message: `The broker was lost in the middle of its answer: ${why}.`,
    hint: '`hoop requests --mine` shows what became of it; `hoop doctor` looks for the cause.',
    exit: EXIT.unreachable,
    fault: 'upstream',
    cause,
  })
}
