/**
 * Runs at the end of this turn of the event loop, after all that has arrived was understood. What sessions do one by one is done
 * by all of them in a row then: code and memory that were just used cost a fraction of what they cost between two calls of the
 * kernel, and nobody is woken in between.
 */
export function atEndOfTurn(run: () => void): void {
  if (waiting.length === 0) setImmediate(runAll)
  waiting.push(run)
}

let waiting: (() => void)[] = []

function runAll(): void {
  const all = waiting
  waiting = []
  for (const run of all) run()
}
