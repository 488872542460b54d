import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openRecorder } from '../../../broker/recorder/recorder.ts'
import { systemRuntime } from '../../../broker/runtime.ts'
import { entriesOf, temporaryFolder, verifyFile } from './support.ts'

const WRITER = fileURLToPath(new URL('./killed-writer.ts', import.meta.url))

/** Runs the writer until it has said so many lines, and kills it; the last number that it said. */
async function runAndKill(folder: string, lines: number): Promise<number> {
  const child = spawn(process.execPath, [WRITER, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (said.split('\n').length > lines) child.kill('SIGKILL')
  })
  const [, signal] = await once(child, 'close')
  assert.equal(signal, 'SIGKILL')
  return Number(said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1))
}

async function kill(t: TestContext, lines: number): Promise<void> {
  const folder = temporaryFolder(t)
  const said = await runAndKill(folder, lines)
  const recorder = openRecorder({ dataDir: folder, runtime: systemRuntime })
  t.after(() => recorder.close('stopped'))
  assert.equal(recorder.recovered[0]?.outcome, 'interrupted')
  const path = join(folder, 'sessions/2026-11-22/s-aaaaaaaaaa.hoop')
  assert.equal(verifyFile(path).ok, true)
  assert.equal(verifyFile(join(folder, 'sessions/index.log'), 'broker').ok, true)
  const entries = entriesOf(path)
  assert.equal(entries.at(-1)?.kind, 'close')
  const recorded = entries.filter((entry) => entry.kind === 'rows')
  assert.ok(recorded.length >= said, `${said} were said, ${recorded.length} are recorded`)
}

it('AP-29: a recorder that is killed at any moment has recorded all that it said', async (t) => {
  for (const lines of [1, 7, 60, 333, 1500]) await kill(t, lines)
})
