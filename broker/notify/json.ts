import type { Message } from './message.ts'

/** For programs: docs/notifications.md describes each field. */
export function jsonBody(message: Message): unknown {
  const { id, event, at, request, connection, headline, facts, statement, note, commands } = message
  return {
    version: 1,
    ...{ id, event, at, request, connection, headline },
    facts: Object.fromEntries(facts),
    ...{ statement, note, commands },
  }
}
