import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commands } from '../../cli/commands.ts'
import { findCommand, unknownCommand } from '../../cli/resolve.ts'

const IDS = Object.keys(commands)
const find = (line: string) => findCommand(line === '' ? [] : line.split(' '), IDS)

test('the longest run of words that names a command is the command', () => {
  const cases: [string, string, string[]][] = [
    ['requests', 'requests', []],
    ['sod explain r-1', 'sod explain', ['r-1']],
    ['sessions', 'sessions list', []],
    ['sessions --json', 'sessions list', ['--json']],
    ['sessions list --user x', 'sessions list', ['--user', 'x']],
    ['sessions search password reset', 'sessions search', ['password', 'reset']],
    ['ls', 'connections', []],
    ['connect help', 'connect', ['help']],
    ['--json --profile bob approve r-1', 'approve', ['--json', '--profile', 'bob', 'r-1']],
    ['--profile=bob whoami', 'whoami', ['--profile=bob']],
  ]
  for (const [line, id, argv] of cases) {
    assert.deepEqual(find(line), { type: 'command', id, argv }, line)
  }
})

test('flags before the command do not slip behind the client', () => {
  assert.deepEqual(find('--json connect pg -- psql -c x'), {
    type: 'command',
    id: 'connect',
    argv: ['--json', 'pg', '--', 'psql', '-c', 'x'],
  })
})

test('help is found wherever a person asks for it, but not in the client’s words', () => {
  const cases: [string, string[]][] = [
    ['', []],
    ['help', []],
    ['--help', []],
    ['-h', []],
    ['help sessions replay', ['sessions', 'replay']],
    ['approve --help', ['approve']],
    ['approve r-1 -h', ['approve']],
    ['sessions --help', ['sessions']],
    ['broker', ['broker']],
  ]
  for (const [line, words] of cases) assert.deepEqual(find(line), { type: 'help', words }, line)
  assert.equal(find('connect pg -- psql --help').type, 'command')
})

test('an unknown word is named, with what was probably meant', () => {
  const cases: [string, string | null][] = [
    ['aprove r-1', 'approve'],
    ['requets', 'requests'],
    ['sessions replai', 'sessions replay'],
    ['broker strat', 'broker start'],
    ['xyzzy', null],
  ]
  for (const [line, meant] of cases) {
    const found = find(line)
    assert.equal(found.type, 'unknown', line)
    const error = unknownCommand(found.type === 'unknown' ? found.words : [], IDS)
    assert.equal(error.exit, 2)
    if (meant) assert.match(error.hint ?? '', new RegExp(`Did you mean \`hoop ${meant}\``))
    else assert.doesNotMatch(error.hint ?? '', /mean/)
  }
})
