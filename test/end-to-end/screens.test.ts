import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Person, TestClient, TestDemo } from '../support/demo.ts'

/** People at terminals, with real parts: an approver at the inbox, a requester at hoop connect. */

const ENTER = '\r'
const CTRL_C = '\x03'

describe('screens', () => {
  let demo: TestDemo
  let alice: Person
  let bob: Person

  before(async () => {
    demo = await TestDemo.start()
    ;({ alice, bob } = await demo.logins('alice', 'bob'))
  })
  after(() => demo.stop())

  test('bob reads what alice asks for and approves it, at his inbox', async () => {
    const inbox = bob.terminal(['requests', '--watch'], { columns: 80, rows: 24 })
    await inbox.until(/Nothing yet\. What comes appears here\./)
    const port = await demo.connect(alice)
    const client = await port.client()
    const lines = Array.from({ length: 30 }, (_, at) => `-- line ${at}`).join('\n')
    const update = client.query(`UPDATE people SET notes = 'x'\n${lines}\nWHERE id = 1`)
    await inbox.until(/● alice@example.test {2}pg-prod {2}write {2}waits \d+s {2}0\/1 dba/)
    inbox.press(ENTER)
    await inbox.until(/there is more to read/)
    inbox.press('a')
    await inbox.until(/Read all that will run first/)
    inbox.press(' ')
    await inbox.until(/lines 19-38 of 40/)
    inbox.press(' ')
    await inbox.until(/WHERE id = 1\n[\s\S]*all that will run was shown/)
    inbox.press('a')
    await inbox.until(/comment \(may be empty\):/)
    inbox.press('ticket 4711')
    await inbox.until(/comment \(may be empty\): ticket 4711/)
    inbox.press(ENTER)
    assert.equal((await update).rowCount, 1)
    await inbox.until(/r-\w+ {2}executed\n/)
    inbox.press('g')
    await inbox.until(/r-\w+ {2}executed\n[\s\S]*outcome {6}ok, 1 row/)
    inbox.press('q')
    await inbox.until(/Nothing yet/)
    inbox.press('q')
    assert.equal(await inbox.finished, 0)
    await client.end()
  })

  test('alice sees what is held, what is asked, and takes it back by Ctrl-C', async () => {
    const terminal = alice.terminal(['connect', 'pg-prod'], { columns: 100, rows: 40 })
    const [url] = await terminal.until(/postgres:\/\/\S+/)
    await terminal.until(/Ctrl-C ends the connection\./)
    const client = new TestClient(url)
    await client.open()
    const update = client.query('DELETE FROM people WHERE id = 1')
    const id = await client.held()
    await terminal.until(/held 00:\d\d {2}r-\w+ {2}expires in 5\d:\d\d/)
    await terminal.until(/decided by one of dba: .*bob@example\.test/)
    assert.equal((await bob.hoop(['ask', id, 'is that person gone?'])).code, 0)
    await terminal.until(/bob@example\.test asks: is that person gone\?\n {2}hoop answer r-/)
    await terminal.until(/Ctrl-C cancels what is held; a second one ends the connection\./)
    terminal.press(CTRL_C)
    await assert.rejects(update, /was cancelled by alice@example\.test/)
    await terminal.until(/ {2}cancelled {3}request r-\w+ was cancelled by alice/)
    await terminal.until(/\nCtrl-C ends the connection\./)
    assert.equal((await client.query('SELECT 1')).rowCount, 1, 'the session goes on')
    terminal.press(CTRL_C)
    assert.equal(await terminal.finished, 0)
  })

  test('who waits without a terminal is told by a line', async () => {
    const sql = 'UPDATE people SET notes = NULL WHERE id = 1'
    const exec = alice.start(['exec', 'pg-prod', '-c', sql])
    await exec.until(() => /Held as r-/.test(exec.stderr), 'it was held')
    const [id = ''] = /r-\w{10}/.exec(exec.stderr) ?? []
    await bob.hoop(['ask', id, 'which\x1b[2J ticket?'])
    const asked = `bob@example.test asks: which⟨U+001B⟩[2J ticket? (hoop answer ${id} TEXT)`
    await exec.until(() => exec.stderr.includes(asked), 'it was asked')
    await bob.hoop(['approve', id])
    assert.equal((await exec.finished).code, 0)
  })

  test('who is not logged in any more is told so, at a terminal, too: exit 3', async () => {
    const dave = await demo.login('dave')
    assert.equal((await dave.hoop(['logout'])).code, 0)
    const inbox = dave.terminal(['requests', '--watch'])
    assert.equal(await inbox.finished, 3)
    assert.match(inbox.text, /hoop login/)
  })
})
