import { EXIT, HoopError } from '../../protocol/errors.ts'
import { readTextFile } from './text.ts'

/** A secret's value: from a file, from stdin, or asked for on a terminal that does not show it. */
export async function secretValue(file: string | undefined, name: string): Promise<string> {
  const text =
    file === undefined && process.stdin.isTTY
      ? await prompt(`Value of ${name} (it is not shown): `)
      : readTextFile(file ?? '-')
  const value = text.replace(/\r?\n$/, '')
  if (value !== '') return value
  throw new HoopError({
    code: 'usage',
    message: 'There is no value: it is empty.',
    hint: 'Give it on stdin, or by --file FILE; never as an argument, which others can see.',
    exit: EXIT.usage,
    fault: 'client',
  })
}

const ENTER = /[\r\n]/
const CTRL_C = '\x03'
const CTRL_D = '\x04'
const ERASE = new Set(['\x7f', '\b'])

/** Raw mode: the terminal echoes nothing. */
async function prompt(question: string): Promise<string> {
  const { stdin, stderr } = process
  stderr.write(question)
  stdin.setRawMode(true)
  stdin.setEncoding('utf8')
  try {
    return await typed(stdin)
  } finally {
    stdin.setRawMode(false)
    stdin.pause()
    stderr.write('\n')
  }
}

async function typed(stdin: NodeJS.ReadStream): Promise<string> {
  let value: string[] = []
  for await (const chunk of stdin) {
    for (const key of String(chunk)) {
      if (key === CTRL_C) throw interrupted()
      if (ENTER.test(key) || key === CTRL_D) return value.join('')
      if (ERASE.has(key)) value = value.slice(0, -1)
      else value.push(key)
    }
  }
  return value.join('')
}

function interrupted(): HoopError {
  return new HoopError({
    code: 'interrupted',
    message: 'Interrupted: nothing was asked.',
    exit: EXIT.failed,
    fault: 'client',
  })
}
