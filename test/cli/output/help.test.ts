import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commands, loadCommand } from '../../../cli/commands.ts'
import { helpText } from '../../../cli/output/help.ts'
import { Output } from '../../../cli/output/output.ts'
import { widthOf } from '../../../cli/output/width.ts'

class Plain extends Output {
  override get width(): number {
    return 80
  }
  override bold(text: string): string {
    return text
  }
}
const out = new Plain(false)

test('every command says what it does, and no screen is wider than 80 columns', async () => {
  const screens = [
    [],
    ['sessions'],
    ['broker'],
    ...Object.keys(commands).map((id) => id.split(' ')),
  ]
  for (const words of screens) {
    const text = await helpText(words, out)
    for (const line of text.split('\n'))
      assert.ok(widthOf(line) <= 80, `${words.join(' ')}: ${line}`)
  }
  for (const id of Object.keys(commands)) {
    const { summary, examples } = await loadCommand(id)
    assert.ok(summary, `${id} has a summary`)
    assert.ok(examples?.length || id === 'demo', `${id} has an example`)
  }
})

test('the first screen names every command', async () => {
  const text = await helpText([], out)
  for (const id of Object.keys(commands)) assert.match(text, new RegExp(`^ {2}${id} `, 'm'), id)
})

test('every flag has a variable of its own within its command', async () => {
  for (const id of Object.keys(commands)) {
    const command = await loadCommand(id)
    const flags = { ...command.flags, ...command.baseFlags }
    const variables = Object.values(flags).map((flag) => flag.env ?? '')
    assert.equal(new Set(variables).size, variables.length, id)
    for (const variable of variables) assert.match(variable, /^HOOP_[A-Z_]+$/, id)
    assert.ok(!variables.includes('HOOP_HOME'), id)
  }
})

test('the screen of approve', async () => {
  assert.equal(
    await helpText(['approve'], out),
    `Let a held request run, once, exactly as it was shown.

Usage
  hoop approve ID [FLAGS]

About
  Records your approval. The request runs as soon as all whom the policy asks
  for agree; this command does not wait for that. You can never approve what you
  requested yourself.

Arguments
  ID  the request

Flags
  --comment TEXT   kept with the decision [HOOP_COMMENT]
  --max-rows N     undo it if it changes more rows than this [HOOP_MAX_ROWS]
  --digest SHA256  approve only if it is exactly this; required above 64 kB
                   [HOOP_DIGEST]

Everywhere
  --json          print JSON on stdout [HOOP_JSON]
  --profile NAME  act as the identity kept under this name [HOOP_PROFILE]

Examples
  $ hoop approve r-7k2mq8w9xe
  $ hoop approve r-7k2mq8w9xe --comment "agreed with support" --max-rows 1`,
  )
})
