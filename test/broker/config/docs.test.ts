import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { configJsonSchema } from '../../../broker/config.ts'

/** Every key of the schema, the policy's own left out. */
function keys(node: unknown, found = new Set<string>()): ReadonlySet<string> {
  if (typeof node !== 'object' || node === null) return found
  for (const [name, inner] of Object.entries(node)) {
    if (name === 'properties') for (const key of Object.keys(inner)) found.add(key)
    if (name !== 'policy') keys(inner, found)
  }
  return found
}

test('docs/configuration.md names every setting', () => {
  const text = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8')
  for (const key of keys(configJsonSchema())) assert.match(text, new RegExp(`\\b${key}\\b`), key)
})
