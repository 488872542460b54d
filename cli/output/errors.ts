import { EXIT, type ExitCode, HoopError } from '../../protocol/errors.ts'
import type { Output } from './output.ts'
import { visible } from './visible.ts'

/** What is printed of a failure, and what a script reads of it. */
interface ErrorReport {
  readonly code: string
  readonly message: string
  readonly hint: string | null
  readonly exit: ExitCode
}

/** Prints the failure on stderr and gives the exit code. With --json: one object, the last line. */
export function reportError(error: unknown, out: Output, command?: string): ExitCode {
  const report = toReport(error, command)
  if (out.json) {
    process.stderr.write(`${JSON.stringify({ error: report })}\n`)
    return report.exit
  }
  const code = out.faint(`[${report.code}]`)
  out.say(`${out.styleTalk('red', 'error:')} ${visible(report.message)} ${code}`)
  if (report.hint) out.say(`${out.styleTalk('cyan', 'hint:')}  ${visible(report.hint)}`)
  if (process.env['HOOP_DEBUG'] && error instanceof Error) out.say(error.stack ?? '')
  return report.exit
}

function toReport(error: unknown, command: string | undefined): ErrorReport {
  if (error instanceof HoopError) {
    return { code: error.code, message: error.message, hint: error.hint, exit: error.exit }
  }
  return usageReport(error, command) ?? bugReport(error)
}

/** oclif's parser: its errors know what was wrong; how it is said is ours. */
function usageReport(error: unknown, command: string | undefined): ErrorReport | null {
  if (!(error instanceof Error) || !('oclif' in error || 'parse' in error)) return null
  const help = command === undefined ? 'hoop help' : `hoop help ${command}`
  const hint = `\`${help}\` shows what it takes.`
  return { code: 'usage', message: usageMessage(error), hint, exit: EXIT.usage }
}

function usageMessage(error: Error): string {
  if ('args' in error && Array.isArray(error.args)) {
    const words = error.args.map((arg) => (typeof arg === 'string' ? arg : nameOf(arg)))
    const missing = error.message.startsWith('Missing')
    return missing ? `Missing: ${words.join(', ')}.` : `Too much: ${words.join(' ')}.`
  }
  if ('flags' in error && Array.isArray(error.flags)) {
    return `There is no flag ${error.flags.join(', ')}.`
  }
  return error.message
    .replace(/\n?See more help with --help$/, '')
    .replace(/^The following errors? occurred:\s*/, '')
    .replace(/^Parsing (--\S+)\s+E/, '$1: e')
    .replace(/Missing required flag (\S+)/g, 'Missing: --$1.')
    .replace(/\s*\n\s*/g, ' ')
    .trim()
}

function nameOf(arg: unknown): string {
  if (typeof arg !== 'object' || arg === null || !('name' in arg)) return String(arg)
  return String(arg.name).toUpperCase()
}

function bugReport(error: unknown): ErrorReport {
  const message = error instanceof Error ? error.message : String(error)
  return {
    code: 'unexpected',
    message: message || 'something failed without saying why',
    hint: 'This is a fault of hoop. HOOP_DEBUG=1 shows where; please report it.',
    exit: EXIT.failed,
  }
}
