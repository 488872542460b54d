import { fileURLToPath } from 'node:url'
import { environment, type Leg } from './leg.ts'
import { end, startScript } from './processes.ts'

const SCRIPT = fileURLToPath(new URL('unparsed-tunnel.ts', import.meta.url))

export const UNPARSED: Leg = {
  name: 'unparsed tunnel',
  async start(target) {
    const broker = await startScript(SCRIPT, ['broker', String(target.server.port)])
    const listener = await startScript(SCRIPT, ['listener', broker.line])
    return {
      env: environment(target, Number(listener.line)),
      pids: [broker.child.pid!, listener.child.pid!],
      async stop() {
        await end(listener.child)
        await end(broker.child)
      },
    }
  },
}
