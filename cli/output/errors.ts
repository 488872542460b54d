import { EXIT, type ExitCode, HoopError } from '../../protocol/errors.ts'
import type { Output } from './output.ts'
import { visible } from './visible.ts'

/** What is printed of a failure, and what a script reads of it. */
export interface ErrorReport {
  readonly code: string
  readonly message: string
  readonly hint: string | null
  readonly exit: ExitCode
}

/** Prints the failure on stderr and gives the exit code. With --json: one object, the last line. */
export function reportError(error: unknown, out: Output): ExitCode {
  const report = toReport(error)
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

export function toReport(error: unknown): ErrorReport {
  if (error instanceof HoopError) {
    return { code: error.code, message: error.message, hint: error.hint, exit: error.exit }
  }
  return usageReport(error) ?? bugReport(error)
}

/** oclif's parser: errors with `parse`, whose message ends with a line about --help. */
function usageReport(error: unknown): ErrorReport | null {
  if (!(error instanceof Error) || !('oclif' in error || 'parse' in error)) return null
  const message = error.message.replace(/\n?See more help with --help$/, '').trim()
  return {
    code: 'usage',
    message,
    hint: 'Add --help to see what this command takes.',
    exit: EXIT.usage,
  }
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
