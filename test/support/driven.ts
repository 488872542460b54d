import { after, before } from 'node:test'
import { Approver } from './approver.ts'
import { type LocalPort, TestDemo } from './demo.ts'

/** What a client is driven through: alice's local port, and bob, who approves all that comes of it. */
export interface Driven {
  readonly demo: TestDemo
  readonly port: LocalPort
  readonly bob: Approver
}

/** For the suite that it is called in; there once its tests run. */
export function driven(): Driven {
  const made: { demo?: TestDemo; port?: LocalPort; bob?: Approver } = {}
  before(async () => {
    made.demo = await TestDemo.start()
    const people = await made.demo.logins('alice', 'bob')
    made.port = await made.demo.connect(people.alice)
    made.bob = await Approver.start(people.bob)
  })
  after(async () => {
    await made.bob?.stop()
    await made.demo?.stop()
  })
  return made as Driven
}
