import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { policyFaults } from '../../../broker/policy/parse.ts'

test('the policy that docs/policy.md shows is a good one', () => {
  const text = readFileSync(new URL('../../../docs/policy.md', import.meta.url), 'utf8')
  const shown = /<!-- policy -->\n```yaml\n(.*?)```/s.exec(text)
  assert.ok(shown)
  assert.deepEqual(policyFaults(shown[1]!, 'docs/policy.md'), [])
})
