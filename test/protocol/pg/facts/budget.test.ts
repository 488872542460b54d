/** Short texts that take long to follow: they get no facts, which means held, and leave nothing behind. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import {
  buildCatalogue,
  type Catalogue,
  type CatalogueRelation,
  emptyCatalogue,
} from '../../../../protocol/pg/catalogue.ts'
import { judge, loadParser } from './target.ts'

before(loadParser)

const COLUMNS = Array.from({ length: 12 }, (_, index) => `a${index}`)
const TURNED = [...COLUMNS.slice(1), COLUMNS[0]].join()

/** Each level is looked at a dozen times for each time that the level around it is. */
function nested(depth: number): string {
  const inner =
    depth === 0
      ? `SELECT ${COLUMNS.map((name) => `${name}.b AS ${name}`)} FROM ${COLUMNS}`
      : nested(depth - 1)
  return `WITH RECURSIVE x${depth} AS (${inner} UNION ALL SELECT ${TURNED} FROM x${depth}),
    y${depth} AS (SELECT * FROM z${depth}), z${depth} AS (SELECT * FROM x${depth})
    SELECT * FROM y${depth}`
}

/** Twice as many columns at each step. */
function doubled(steps: number): string {
  const rest = Array.from(
    { length: steps },
    (_, i) => `, a${i + 1} AS (SELECT * FROM a${i} x, a${i} y)`,
  )
  return `WITH a0 AS (SELECT ${COLUMNS.map((name) => `1 AS ${name}`)})${rest.join('')} SELECT * FROM a${steps}`
}

const relation = (oid: number, name: string, definition: string | null): CatalogueRelation => ({
  ...{
    oid,
    schema: 'public',
    name,
    builtin: false,
    type: 0,
    policies: [],
    parents: [],
    touches: [],
  },
  ...{ kind: definition === null ? 'table' : 'view', definition, wrapper: null, owner: null },
  columns: [{ number: 1, name: 'c', type: 25 }],
})

function withRelations(relations: readonly CatalogueRelation[]): Catalogue {
  return buildCatalogue({ ...emptyCatalogue(), relations, functions: [], types: [] })
}

test('what cannot be followed in bounded work has no facts', () => {
  const wide = withRelations([
    {
      ...relation(20_000, 'wide', null),
      columns: Array.from({ length: 1600 }, (_, i) => ({ number: i + 1, name: `c${i}`, type: 25 })),
    },
  ])
  const rows = `SELECT ${Array(4000).fill('w')} FROM wide w`
  const joins = `SELECT 1 FROM wide w${Array(400).fill(' NATURAL JOIN wide').join('')}`
  for (const sql of [nested(8), doubled(16), rows, joins]) {
    assert.ok(sql.length < 12_000)
    const analysis = judge(sql, wide)
    assert.ok(!analysis.ok && analysis.reason === 'limit', sql.slice(0, 80))
  }
})

test('long texts that are plain are followed to their end', () => {
  const rows = Array.from({ length: 60_000 }, (_, index) => `(${index}, 'x')`)
  assert.ok(judge(`INSERT INTO t VALUES ${rows}`, withRelations([relation(20_000, 't', null)])).ok)
  assert.ok(judge(nested(2), emptyCatalogue()).ok)
})

test('a view that spent the budget of one text is not left half judged for the next', () => {
  const heavy = relation(20_001, 'heavy', `SELECT a0 AS c FROM (${nested(8)}) q`)
  const stacked = relation(20_002, 'stacked', 'SELECT c FROM public.heavy')
  const catalogue = withRelations([heavy, stacked])
  for (const _ of [1, 2]) {
    const analysis = judge('SELECT c FROM stacked', catalogue)
    assert.ok(!analysis.ok && analysis.reason === 'limit')
  }
  assert.ok(judge('SELECT 1', catalogue).ok)
})
