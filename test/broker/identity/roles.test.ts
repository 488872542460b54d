import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { groupsOf, rolesOf } from '../../../broker/identity/roles.ts'

const GROUPS_BY_ROLE = { requester: ['engineers', 'dba'], approver: ['dba'], auditor: ['security'] }

describe('roles of groups', () => {
  test('each group gives what the configuration says', () => {
    assert.deepEqual(rolesOf(['engineers'], GROUPS_BY_ROLE), ['requester'])
    assert.deepEqual(rolesOf(['dba'], GROUPS_BY_ROLE), ['requester', 'approver'])
    assert.deepEqual(rolesOf(['security', 'engineers'], GROUPS_BY_ROLE), ['requester', 'auditor'])
  })

  test('no group, an unknown one or a look-alike gives nothing', () => {
    for (const group of ['oncall', 'DBA', 'dba ', 'db\u0430']) {
      assert.deepEqual(rolesOf([group], GROUPS_BY_ROLE), [])
    }
    assert.deepEqual(rolesOf([], GROUPS_BY_ROLE), [])
  })
})

describe('groups of a token', () => {
  test('a list, a single name, a path, a name with dots', () => {
    assert.deepEqual(groupsOf({ groups: ['a', 'b', 'a'] }, 'groups'), ['a', 'b'])
    assert.deepEqual(groupsOf({ groups: 'a' }, 'groups'), ['a'])
    assert.deepEqual(groupsOf({ realm_access: { roles: ['a'] } }, 'realm_access.roles'), ['a'])
    assert.deepEqual(groupsOf({ 'https://x.example/groups': ['a'] }, 'https://x.example/groups'), [
      'a',
    ])
  })

  test('what is no list of names gives no group at all', () => {
    const strange = [undefined, null, 7, {}, [['a']], ['a', 7], ['a', ''], ['x'.repeat(257)]]
    for (const groups of strange) assert.deepEqual(groupsOf({ groups }, 'groups'), [])
    assert.deepEqual(groupsOf({ groups: Array(2_001).fill('a') }, 'groups'), [])
  })

  test('nothing comes from a prototype', () => {
    assert.deepEqual(groupsOf({}, 'constructor.name'), [])
    assert.deepEqual(groupsOf({}, '__proto__.toString.name'), [])
  })
})
