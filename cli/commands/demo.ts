import { Flags } from '@oclif/core'
import type { Ready } from '../../broker/demo/demo.ts'
import { BaseCommand } from '../base-command.ts'
import { tellBeat, tellInvitation, tellReady } from '../output/demo.ts'
import { visibleLine } from '../output/visible.ts'

/** Provider, database, broker and the story; then it stays up for the person to try. */
export default class Demo extends BaseCommand {
  static override summary =
    'everything, for real, on this machine: provider, database, broker, story'
  static override flags = {
    tour: Flags.boolean({
      description: 'end after the story; --no-tour: no story, stay up at once',
      allowNo: true,
    }),
    home: Flags.string({
      description: 'keep everything that is written here',
      helpValue: 'DIR',
      env: 'HOOP_DEMO_HOME',
    }),
    port: Flags.integer({ description: 'the port of the broker', min: 1, max: 65535 }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Demo)
    const interrupted = untilInterrupted()
    const { startDemo } = await import('../../broker/demo/demo.ts')
    if (!this.json) this.out.data('Starting an identity provider, PostgreSQL and a broker …\n')
    const demo = await startDemo({ home: flags.home, port: flags.port })
    try {
      for (const notice of demo.notices) this.out.say(visibleLine(notice))
      this.#announce(demo.ready)
      if (flags.tour !== false) await this.#tour(demo.ready, interrupted.signal)
      if (flags.tour !== true) await this.#stayUp(demo.ready, interrupted.done)
    } finally {
      await demo.stop()
    }
  }

  #announce(ready: Ready): void {
    if (this.json) this.out.event(ready)
    else tellReady(this.out, ready)
  }

  async #tour(ready: Ready, signal: AbortSignal): Promise<void> {
    const { tellStory } = await import('../../broker/demo/story.ts')
    const tell = this.json ? this.out.event.bind(this.out) : tellBeat.bind(null, this.out)
    try {
      await tellStory({ broker: ready.broker, peopleHome: ready.people, signal, tell })
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  async #stayUp(ready: Ready, interrupted: Promise<void>): Promise<void> {
    if (!this.json) tellInvitation(this.out, ready)
    await interrupted
  }
}

/** SIGINT and SIGTERM stop the demo; a second one while it cleans up changes nothing. */
function untilInterrupted(): { readonly signal: AbortSignal; readonly done: Promise<void> } {
  const controller = new AbortController()
  const { promise, resolve } = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      controller.abort()
      resolve()
    })
  }
  return { signal: controller.signal, done: promise }
}
