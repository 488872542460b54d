import { openRecorder } from '../../../broker/recorder/recorder.ts'
import { systemRuntime } from '../../../broker/runtime.ts'
import { sessionStart } from './support.ts'

/**
 * A process that records and says what it recorded, until it is killed. It says a number only
 * after append has returned: whatever it said must be in the log.
 */
const recorder = openRecorder({ dataDir: process.argv[2] ?? '', runtime: systemRuntime })
const log = recorder.open(sessionStart('s-aaaaaaaaaa'))
const filler = Buffer.alloc(5000, 'x')
for (let ref = 1; ; ref++) {
  const facts = { class: 'read', reads: [], writes: [] }
  log.append([
    { kind: 'statement', ref, text: Buffer.from(`select ${ref}`), ...facts },
    { kind: 'rows', ref, bytes: filler, count: 1 },
  ])
  process.stdout.write(`${ref}\n`)
  if (ref % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
}
