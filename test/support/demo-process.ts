import { startDemo } from '../../broker/demo/demo.ts'

/** `node demo-process.ts HOME [TEMPLATE]`: what `hoop demo --json --no-tour` runs, with a copied cluster. */

const [home, template] = process.argv.slice(2)
const demo = await startDemo({ home, postgres: template === undefined ? {} : { template } })
process.stdout.write(`${JSON.stringify(demo.ready)}\n`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void demo.stop().then(() => process.exit(0)))
}
