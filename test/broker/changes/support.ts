import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { askPolicy } from '../../../broker/changes/ask-policy.ts'
import { askSecret } from '../../../broker/changes/ask-secret.ts'
import { Book } from '../../../broker/changes/book.ts'
import { Changes } from '../../../broker/changes/changes.ts'
import { localKey } from '../../../broker/changes/keys.ts'
import { Vault } from '../../../broker/changes/vault.ts'
import type { Config } from '../../../broker/config.ts'
import { parsePolicy } from '../../../broker/policy/parse.ts'
import type { RequestRecord, RequestState, Version } from '../../../broker/store/store.ts'
import { alice, bob, openOffice, person, settle } from '../approval/support.ts'

/** What hoop goes by, with a real store, desk and book; what is recorded, a list. */

export const POLICY = `connections:
  pg-prod:
    request: [engineers, dba]
    rules: { read: allow, write: { hold: dba }, ddl: deny }
    mask: { people.ssn: redact }
`

export { alice, bob }

const admin = (name: string, groups: string) =>
  person(name, groups, { roles: ['requester', 'approver', 'admin'] })
/** An administrator who approves statements, too. */
export const dana = admin('dana', 'dba admin')
export const root = admin('root', 'admin')
export const ruth = admin('ruth', 'admin')

export const KEY = Buffer.alloc(32, 7)

export async function openRegister(
  folder: string,
  more: { readonly policy?: string; readonly key?: Buffer | null } = {},
) {
  const office = await openOffice(folder)
  const { store, desk, runtime, faults } = office
  const config = configOf(folder, more.policy ?? POLICY)
  const recorded: string[] = []
  const disk = { full: false }
  const note = ({ kind, name, number, request }: Version, deciders: readonly string[]) => {
    if (disk.full) throw new Error('the disk is full')
    recorded.push([kind, name, number, request ?? 'file', ...deciders].join(' '))
  }
  try {
    const book = await Book.open({
      ...{ config, store, now: () => runtime.now(), record: (version) => note(version, []) },
      secret: (name) => vault.read(name),
    })
    const key = more.key === undefined ? KEY : more.key
    const keys = key === null ? null : localKey(key)
    const latest = (name: string) => book.latest('secret', name)
    const vault = await Vault.open({ store, keys, latest })
    const onFault = (error: unknown) => void faults.push(error)
    const changes = await Changes.open({
      ...{ config, store, desk, book, runtime, onFault, record: note },
    })
    const parts = { changes, book, vault, newId: () => runtime.id('r') }
    return {
      ...{ ...office, book, vault, recorded, disk, config },
      apply: (who: typeof root, text: string) =>
        askPolicy(parts, who, { text, file: 'policy.yaml', reason: null }),
      set: (who: typeof root, value: string, name = 'db') => askSecret(parts, who, { name, value }),
      /** As it is when what follows an approval has happened. */
      async until(id: string, ...wanted: RequestState[]): Promise<RequestRecord> {
        for (;;) {
          const seen = await desk.get(id)
          if (wanted.includes(seen.state)) return seen
          await settle()
        }
      },
    }
  } catch (error) {
    await office.close()
    throw error
  }
}

export type Register = Awaited<ReturnType<typeof openRegister>>

export async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'hoop-changes-'))
  try {
    await run(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function configOf(dataDir: string, policyText: string): Config {
  const roles = { requester: [], approver: ['dba'], auditor: [], admin: ['admin'] }
  return {
    ...{ file: join(dataDir, 'broker.yaml'), dataDir, connections: [], policyText },
    policy: parsePolicy(policyText, 'policy.yaml'),
    identity: { roles },
    approval: { expiresAfter: 3_600_000 },
  } as unknown as Config
}
