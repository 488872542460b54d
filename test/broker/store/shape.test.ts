import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shapeOf } from '../../../broker/store/shape.ts'

const sql = (statement: string) => shapeOf({ kind: 'statement', statement })

test('values, blanks, comments and the case of words make no other shape', () => {
  const shape = sql('UPDATE people SET a = 1 WHERE id = 2')
  assert.equal(sql('update people\n\tset a = -- one\n 12.5 where id = $1'), shape)
  assert.equal(sql("update people set a = 'it''s' where id = $$x$$"), shape)
  assert.equal(shapeOf({ kind: 'exec', statement: 'update people set a=1 where id=2' }), shape)
})

test('other names do', () => {
  const shapes = ['a', '"a"', '"A"', 'ä', 'a.b', 'a, b'].map((name) => sql(`select ${name} from t`))
  assert.equal(new Set(shapes).size, shapes.length)
  assert.notEqual(
    shapeOf({ kind: 'policy', statement: '+ a: 1' }),
    shapeOf({ kind: 'policy', statement: '+ a: 2' }),
  )
})

test('hostile text ends soon', () => {
  for (const piece of ['$a$', "'", '/*', 'U&"', '\0', '\ud800', '1.', '? ']) {
    assert.match(sql(piece.repeat(20_000)), /^[0-9a-f]{64}$/)
  }
})
