import { spawn } from 'node:child_process'
import type { Environment } from '../local/home.ts'

/** The program that shows an address on this machine; null where nobody would see it. */
export function browserCommand(
  platform: NodeJS.Platform,
  env: Environment,
): readonly [string, ...string[]] | null {
  if (env['SSH_CONNECTION'] || env['CI']) return null
  if (platform === 'darwin') return ['open']
  // Not `cmd /c start`: it would read the address as a command line.
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler']
  return env['DISPLAY'] || env['WAYLAND_DISPLAY'] ? ['xdg-open'] : null
}

/** True when a browser was started. The address comes from the provider, so only web addresses pass. */
export async function openBrowser(
  address: string,
  platform = process.platform,
  env: Environment = process.env,
): Promise<boolean> {
  const url = URL.parse(address)
  const command = browserCommand(platform, env)
  if (url === null || command === null) return false
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return false
  const [program, ...words] = command
  const child = spawn(program, [...words, url.href], { stdio: 'ignore', detached: true })
  const started = new Promise<boolean>((resolve) => {
    child.once('spawn', () => resolve(true))
    child.once('error', () => resolve(false))
  })
  child.unref()
  return started
}
