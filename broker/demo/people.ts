/** Who plays in the demo, and what they may do: the parts of its configuration that never change. */

export interface DemoPerson {
  readonly name: string
  readonly email: string
  readonly groups: readonly string[]
}

const person = (name: string, ...groups: string[]): DemoPerson => ({
  name,
  email: `${name}@example.test`,
  groups,
})

export const PEOPLE: readonly DemoPerson[] = [
  person('alice', 'engineers'),
  person('bob', 'dba'),
  person('carol', 'security', 'auditor'),
  person('dave', 'engineers', 'dba'),
  person('erin', 'oncall'),
  person('root', 'admin'),
  person('ruth', 'admin'),
]

/** A machine identity of the demo; who asks with it is its owner for the duties. */
export const MACHINE = { name: 'ci-deploy', owner: 'alice', groups: ['engineers'] } as const

/** Group → role; `root` and `ruth` look after the broker, each other's changes, and approve no statement. */
export const ROLES = {
  requester: ['engineers', 'dba'],
  approver: ['dba'],
  auditor: ['auditor'],
  admin: ['admin'],
} as const

/** The policy that the README shows; a test compares the two. */
export const POLICY = `\
connections:
  pg-prod:
    request: [engineers, dba]
    rules:
      read: allow
      write: { hold: [{ group: dba, count: 1 }] }
      ddl: { hold: [{ group: dba, count: 1 }] }
      admin: deny
    break_glass: { groups: [oncall], lasts: 1h, review: [{ group: dba, count: 1 }] }
    mask:
      people.ssn: redact
      people.card_number: { partial: { last: 4 } }
    detect:
      card: { partial: { last: 4 } }
`
