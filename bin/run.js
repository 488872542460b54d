#!/usr/bin/env node
// Starts hoop. Plain JavaScript that every Node parses, since the first thing it does is to look
// which Node this is: the sources need 24.12. A person's older Node is told, or replaced by the one
// that npm installed beside us.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import * as nodeModule from 'node:module'
import process from 'node:process'

const NEEDS = [24, 12]
const root = new URL('../', import.meta.url)
const argv = process.argv.slice(2)

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > NEEDS[0] || (major === NEEDS[0] && minor >= NEEDS[1])
}

/** The path of a Node that npm installed with us, or null. */
function bundledNode() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  const places = ['node_modules/.bin/', '../../.bin/', '../.bin/']
  const found = places.map((place) => new URL(place + name, root)).find((url) => existsSync(url))
  return found
    ? nodeModule
        .createRequire(import.meta.url)('node:url')
        .fileURLToPath(found)
    : null
}

/** Runs the same command line on another Node and ends as it ends. */
function runOn(node) {
  const child = spawn(node, process.argv.slice(1), {
    stdio: 'inherit',
    env: { ...process.env, HOOP_REEXEC: '1' },
  })
  // The terminal sends Ctrl-C to both; only the child knows what it means.
  process.on('SIGINT', () => undefined)
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => tooOld(error.message))
  child.on('exit', (code, signal) => {
    if (signal) {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    } else process.exitCode = code ?? 1
  })
}

function tooOld(why) {
  const version = NEEDS.join('.')
  process.stderr.write(
    `error: hoop needs Node ${version} or newer; this is ${process.versions.node}${why ? ` (${why})` : ''}.\n` +
      'hint:  Run npm install in the checkout, then npx hoop, or install a newer Node.\n',
  )
  process.exitCode = 1
}

function printVersion() {
  const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
  process.stdout.write(
    `hoop/${version} ${process.platform}-${process.arch} node-v${process.versions.node}\n`,
  )
}

async function start() {
  nodeModule.enableCompileCache?.()
  const sources = new URL('cli/main.ts', root)
  const main = existsSync(sources) ? sources : new URL('dist/cli/main.js', root)
  const { main: run } = await import(main.href)
  await run(argv, root)
}

if (isNewEnough(process.versions.node)) {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v')) printVersion()
  else await start()
} else {
  const node = process.env.HOOP_REEXEC ? null : bundledNode()
  if (node) runOn(node)
  else tooOld('')
}
