import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const run = fileURLToPath(new URL('../../../../bin/run.js', import.meta.url))

test('the schema is JSON Schema, and names every key that docs/policy.md shows', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [run, 'policy', 'schema'], {
    encoding: 'utf8',
  })
  assert.deepEqual([status, stderr], [0, ''])
  const schema = JSON.parse(stdout)
  assert.match(schema.$schema, /json-schema\.org/)
  const docs = readFileSync(new URL('../../../../docs/policy.md', import.meta.url), 'utf8')
  assert.match(docs, /yaml-language-server: \$schema=/)
  const [, shown = ''] = /<!-- policy -->\n```yaml\n(.*?)```/s.exec(docs) ?? []
  for (const [, key] of shown.matchAll(/^ {4}(\w+):/gm))
    assert.match(stdout, new RegExp(`"${key}"`))
})
