import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hasHidden, visible, visibleLine } from '../../../cli/output/visible.ts'

test('plain SQL stays as it is, line breaks and tabs included', () => {
  const sql = "UPDATE people\n\tSET name = 'Zoë Łukasz 山田 Ω' WHERE id = 1;"
  assert.equal(visible(sql), sql)
  assert.equal(hasHidden(sql), false)
})

test('AP-21: an escape sequence cannot reach the terminal', () => {
  assert.equal(
    visible('a\x1b[2Jb\x07\x9bc\x7f\r'),
    'a⟨U+001B⟩[2Jb⟨U+0007⟩⟨U+009B⟩c⟨U+007F⟩⟨U+000D⟩',
  )
})

test('AP-21: reversed reading order is named, every bidi control', () => {
  const bidi = '\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069'
  assert.match(visible(bidi), /^(⟨U\+[0-9A-F]{4}⟩){12}$/)
})

test('what is there without being seen is named', () => {
  const unseen = [
    '\u00ad',
    '\u034f',
    '\u115f',
    '\u1160',
    '\u17b4',
    '\u180e',
    '\u200b',
    '\u200d',
    '\u2060',
    '\u2800',
    '\u3164',
    '\ufeff',
    '\uffa0',
    '\ufe0f',
    '\u{e0041}',
    '\u{e0100}',
    '\u00a0',
    '\u2003',
    '\u3000',
    '\u2028',
    '\u2029',
    '\ud800',
    '\ue000',
    '\uffff',
  ]
  for (const character of unseen) {
    assert.match(visible(`a${character}b`), /^a⟨U\+[0-9A-F]{4,6}⟩b$/, escape(character))
  }
})

test('marks that draw over their neighbours are named', () => {
  assert.equal(visible('id =\u0338 1'), 'id =⟨U+0338⟩ 1')
  assert.equal(visible('e\u0301'), 'e\u0301')
  assert.match(visible(`a${'\u0336'.repeat(30)}`), /⟨U\+0336⟩/)
})

test('one line stays one line', () => {
  assert.equal(
    visibleLine('approve me\nState: approved\tby bob'),
    'approve me⏎State: approved⇥by bob',
  )
})

test('AP-21, AP-31: no text at all leaves a character that a terminal acts on', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.doesNotMatch(visible(text), /[^\n\t\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
      assert.doesNotMatch(visibleLine(text), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
    }),
  )
})
