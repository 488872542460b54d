import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { POLICY } from '../broker/demo/people.ts'
import { commands } from '../cli/commands.ts'
import { EXIT } from '../protocol/errors.ts'

/** What the README says is so. */

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  scripts: Record<string, string>
  license: string
}

test('the two commands stand on top and exist', () => {
  const top = readme.split('\n').slice(0, 6).join('\n')
  assert.match(top, /npm install && npm run demo/)
  assert.match(top, /npm install && npm test/)
  assert.ok(manifest.scripts['demo'])
  assert.ok(manifest.scripts['test'])
})

test('the policy is the demo’s', () => {
  assert.ok(readme.includes(POLICY))
})

test('every exit code is explained, and no other', () => {
  const told = [...readme.matchAll(/^\| (\d) \|/gm)].map(([, code]) => Number(code))
  assert.deepEqual(told, Object.values(EXIT))
})

test('every command that it names is one', () => {
  const named = [...readme.matchAll(/npx hoop ([a-z]+(?: [a-z]+)?)/g)].map(([, words]) => words)
  for (const words of named) {
    const [first] = (words ?? '').split(' ')
    assert.ok(commands[words ?? ''] ?? commands[first ?? ''], `hoop ${words}`)
  }
})

test('every file that a document links to is there', () => {
  const documents = ['README.md', 'SECURITY.md', 'CHANGELOG.md', ...list('docs')]
  const broken = documents.flatMap((document) =>
    links(document)
      .filter((path) => !existsSync(path))
      .map((path) => `${document}: ${path}`),
  )
  assert.deepEqual(broken, [])
})

test('every source file that a document names is there', () => {
  const named = /\b(?:bin|cli|broker|protocol|test)\/[\w./-]*\.(?:ts|js)\b/g
  const broken = ['README.md', 'SECURITY.md', ...list('docs')].flatMap((document) =>
    [...readFileSync(join(root, document), 'utf8').matchAll(named)]
      .filter(([path]) => !existsSync(join(root, path)))
      .map(([path]) => `${document}: ${path}`),
  )
  assert.deepEqual(broken, [])
})

function list(folder: string): string[] {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`)
}

function links(document: string): string[] {
  const text = readFileSync(join(root, document), 'utf8')
  return [...text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, path]) =>
    resolve(root, dirname(document), path ?? ''),
  )
}
