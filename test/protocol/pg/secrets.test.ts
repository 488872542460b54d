import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { LOOKED_AT, redactSecrets } from '../../../protocol/pg/secrets.ts'

/** What others read of a statement that has a password in it. */

const shown = (text: string, understood = true): string =>
  redactSecrets(Buffer.from(text), understood, () => '*').text.toString()

const found = (text: string): string[] => {
  const all: string[] = []
  redactSecrets(Buffer.from(text), true, (secret) => {
    all.push(secret)
    return '*'
  })
  return all
}

describe('AP-32: a password in a statement', () => {
  test('of a role is not shown, everything else is', () => {
    for (const [text, wanted] of [
      [
        "ALTER ROLE x PASSWORD 's' VALID UNTIL '2030-01-01'",
        "ALTER ROLE x PASSWORD '*' VALID UNTIL '2030-01-01'",
      ],
      [
        "create user x encrypted password E'a\\'b' login",
        "create user x encrypted password '*' login",
      ],
      ['ALTER ROLE x PASSWORD $tag$s$tag$', "ALTER ROLE x PASSWORD '*'"],
      [
        "ALTER ROLE x PASSWORD /* it's new */ 'a'\n'b'",
        "ALTER ROLE x PASSWORD /* it's new */ '*'\n'*'",
      ],
      ["ALTER ROLE x PASSWORD U&'\\0061' UESCAPE '!'", "ALTER ROLE x PASSWORD '*' UESCAPE '!'"],
      ['ALTER ROLE x PASSWORD NULL', 'ALTER ROLE x PASSWORD NULL'],
      [
        "ALTER ROLE a PASSWORD 's'; UPDATE t SET v = 'x'",
        "ALTER ROLE a PASSWORD '*'; UPDATE t SET v = 'x'",
      ],
    ] as const) {
      assert.equal(shown(text), wanted)
    }
  })

  test('of a foreign server is found under every spelling of its name', () => {
    assert.equal(
      shown(
        `CREATE USER MAPPING FOR x SERVER s OPTIONS (user 'u', "password" 's', ADD U&"p\\0061ssword" 's')`,
      ),
      `CREATE USER MAPPING FOR x SERVER s OPTIONS (user 'u', "password" '*', ADD U&"p\\0061ssword" '*')`,
    )
    assert.equal(
      shown("ALTER SERVER s OPTIONS (SET sslpassword 's', SET host 'db')"),
      "ALTER SERVER s OPTIONS (SET sslpassword '*', SET host 'db')",
    )
  })

  test('in a connection string is hidden, and its host is not', () => {
    for (const [text, wanted] of [
      [
        "CREATE SUBSCRIPTION s CONNECTION 'host=h password=s user=u' PUBLICATION p",
        "CREATE SUBSCRIPTION s CONNECTION 'host=h password=* user=u' PUBLICATION p",
      ],
      [
        "ALTER SUBSCRIPTION s CONNECTION 'postgresql://u:s@h/d?sslpassword=s'",
        "ALTER SUBSCRIPTION s CONNECTION 'postgresql://u:*@h/d?sslpassword=*'",
      ],
      [
        "ALTER SUBSCRIPTION s CONNECTION E'host=h p\\x61ssword=s password=s'",
        "ALTER SUBSCRIPTION s CONNECTION '*'",
      ],
      [
        "SELECT dblink_connect('c', 'host=h password=''a b'' user=x')",
        "SELECT dblink_connect('c', 'host=h password=* user=x')",
      ],
      [
        "SELECT * FROM dblink('password=s', 'SELECT 1') AS t(a int)",
        "SELECT * FROM dblink('password=*', 'SELECT 1') AS t(a int)",
      ],
    ] as const) {
      assert.equal(shown(text), wanted)
    }
  })

  test('inside of code is hidden, and the code is not', () => {
    assert.equal(
      shown(
        "DO $$ BEGIN EXECUTE 'ALTER ROLE x PASSWORD ''s'''; ALTER ROLE y PASSWORD 's'; DROP TABLE t; END $$",
      ),
      "DO $$ BEGIN EXECUTE 'ALTER ROLE x PASSWORD ''*'''; ALTER ROLE y PASSWORD '*'; DROP TABLE t; END $$",
    )
  })

  test('cannot be used to hide what runs', () => {
    for (const text of [
      "SELECT dblink_exec('/* password=*/DROP/**/TABLE/**/t', true)",
      "SELECT dblink_exec('c', 'DROP TABLE t -- password=x')",
      'DO $$ /* ALTER ROLE x PASSWORD */ BEGIN DROP TABLE t; END $$',
      "DO 'BEGIN DROP TABLE password; END' -- ALTER ROLE x PASSWORD",
      "UPDATE t SET password = 'x' WHERE created = 'alter'",
      "INSERT INTO users (password) VALUES ('x'); ALTER TABLE t ADD secret text DEFAULT 'y'",
    ]) {
      assert.equal(shown(text), text)
    }
    const code = "CREATE FUNCTION password() RETURNS void AS 'DROP TABLE t' LANGUAGE sql"
    assert.equal(shown(code, false), code, 'nor where nobody can parse it')
    const block = "DO LANGUAGE password 'DROP TABLE t'"
    assert.equal(shown(block, false), block)
  })

  test('in a text that nobody can parse hides every literal after the word', () => {
    assert.equal(
      shown("ALTER ROLE x SET PASSWORD TO 's', 's'; SELECT 'x'", false),
      "ALTER ROLE x SET PASSWORD TO '*', '*'; SELECT 'x'",
    )
  })

  test('is told as it is meant: equal ones are equal', () => {
    assert.deepEqual(found("ALTER ROLE x PASSWORD 'it''s'; ALTER ROLE y PASSWORD $$it's$$"), [
      "it's",
      "it's",
    ])
    assert.deepEqual(found("ALTER ROLE x PASSWORD 'zoë'"), ['zoë'])
  })

  test('leaves the bytes of all other texts as they are, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, understood) => {
        const text = Buffer.concat([Buffer.from('ALTER ROLE x; dblink secret '), bytes])
        const { text: out, secrets } = redactSecrets(text, understood, () => '*')
        if (secrets.length === 0) assert.ok(out.equals(text))
      }),
    )
  })

  test('is looked for at the beginning of a long text, in bounded time', () => {
    const padding = `SELECT ${' '.repeat(LOOKED_AT)}; ALTER ROLE x PASSWORD 's'`
    assert.equal(shown(padding), padding)
    const hostile = `SELECT dblink('${"a='x' ".repeat(40_000)}x password'`
    assert.equal(shown(hostile), hostile)
  })
})
