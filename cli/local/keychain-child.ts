/**
 * The one process that touches the operating system's keychain: one order on stdin, one answer on stdout.
 * A separate process because keytar can hang for 25 seconds in native code, which no timer of the same
 * process can cut short: its exit would wait for that thread.
 */
import type * as Keytar from 'keytar'

type Order =
  | { readonly do: 'get' | 'delete'; readonly service: string; readonly account: string }
  | {
      readonly do: 'set'
      readonly service: string
      readonly account: string
      readonly secret: string
    }

async function obey(keytar: typeof Keytar, order: Order): Promise<string | null> {
  const { service, account } = order
  switch (order.do) {
    case 'get':
      return keytar.getPassword(service, account)
    case 'set':
      await keytar.setPassword(service, account, order.secret)
      return null
    case 'delete':
      await keytar.deletePassword(service, account)
      return null
  }
}

async function answer(): Promise<{ ok: true; secret: string | null } | { ok: false; why: string }> {
  try {
    let input = ''
    for await (const chunk of process.stdin.setEncoding('utf8')) input += chunk
    const keytar = ((await import('keytar')) as unknown as { default: typeof Keytar }).default
    return { ok: true, secret: await obey(keytar, JSON.parse(input) as Order) }
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : String(error) }
  }
}

process.stdout.write(JSON.stringify(await answer()))
