import { fileURLToPath } from 'node:url'
import { Config, settings } from '@oclif/core'
import { wantsJson } from './base-command.ts'
import { type CommandClass, commands, loadCommand } from './commands.ts'
import { reportError } from './output/errors.ts'
import { Output } from './output/output.ts'
import { findCommand, type Invocation, unknownCommand } from './resolve.ts'

/** Runs one command line: finds the command, loads that one alone, ends with its exit code. */
export async function main(argv: readonly string[], root: URL): Promise<void> {
  settings.enableAutoTranspile = false
  hushExperimentalWarnings()
  try {
    await run(findCommand(argv, Object.keys(commands)), fileURLToPath(root))
  } catch (error) {
    process.exitCode = reportError(error, new Output(wantsJson(argv)))
  }
  await leave()
}

async function run(invocation: Invocation, root: string): Promise<void> {
  switch (invocation.type) {
    case 'help': {
      const { showHelp } = await import('./output/help.ts')
      return showHelp(invocation.words)
    }
    case 'unknown':
      throw unknownCommand(invocation.words, Object.keys(commands))
    case 'command': {
      const command: CommandClass = await loadCommand(invocation.id)
      await command.run([...invocation.argv], await config(root))
      return
    }
  }
}

/** oclif's configuration without its search for commands: ours are listed in commands.ts. */
async function config(root: string): Promise<Config> {
  const pjson = { name: 'hoop', version: '0.0.0', oclif: { bin: 'hoop', topicSeparator: ' ' } }
  return Config.load({ root, pjson: pjson as never, devPlugins: false, userPlugins: false })
}

/** node:sqlite says at every start that it is experimental; that is no news for a person. */
function hushExperimentalWarnings(): void {
  const emit = process.emitWarning.bind(process)
  process.emitWarning = ((warning: string | Error, ...rest: never[]) => {
    const kind: unknown = rest[0]
    const type = typeof kind === 'object' && kind !== null ? Reflect.get(kind, 'type') : kind
    if (type !== 'ExperimentalWarning') emit(warning, ...rest)
  }) as typeof process.emitWarning
}

/** Ends the process when all that was printed has left it; open handles do not keep it. */
async function leave(): Promise<void> {
  await Promise.all([drained(process.stdout), drained(process.stderr)])
  process.exit()
}

function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve()
    else stream.write('', () => resolve())
  })
}
