import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { environment, type Leg } from './leg.ts'
import { end, freePort, run, until } from './processes.ts'

const SSHD = '/usr/sbin/sshd'

/** `ssh -L` through an sshd of our own on loopback, with keys of our own. */
export const SSH: Leg = {
  name: 'ssh -L',
  async start(target) {
    if (!(await isThere(SSHD))) return 'not measured: no sshd'
    const folder = await mkdtemp(join(tmpdir(), 'hoop-bench-ssh-'))
    const [sshPort, localPort] = [await freePort(), await freePort()]
    await makeKeys(folder)
    await writeFile(join(folder, 'sshd_config'), serverConfig(folder, sshPort))
    // sshd started as root insists on this folder, and says so only in its log.
    if (userInfo().uid === 0) await mkdir('/run/sshd', { recursive: true })
    const sshd = spawn(SSHD, ['-D', '-f', join(folder, 'sshd_config')], { stdio: 'ignore' })
    await until('sshd', () => answers(sshPort))
    const ssh = spawn('ssh', clientArguments(folder, sshPort, localPort, target.server.port), {
      stdio: 'ignore',
    })
    await until('ssh -L', () => answers(localPort))
    return {
      env: environment(target, localPort),
      pids: [],
      async stop() {
        await end(ssh)
        await end(sshd)
        await rm(folder, { recursive: true, force: true })
      },
    }
  },
}

async function makeKeys(folder: string): Promise<void> {
  for (const name of ['host', 'user']) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)])
  }
}

function serverConfig(folder: string, port: number): string {
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(folder, 'host')}`,
    `AuthorizedKeysFile ${join(folder, 'user.pub')}`,
    `PidFile ${join(folder, 'pid')}`,
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    'StrictModes no',
    'UsePAM no',
    '',
  ].join('\n')
}

function clientArguments(folder: string, ssh: number, local: number, target: number): string[] {
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'Compression=no']
  return [
    ...['-N', '-F', 'none', '-i', join(folder, 'user'), '-o', 'ExitOnForwardFailure=yes'],
    ...options.flatMap((option) => ['-o', option]),
    ...['-L', `127.0.0.1:${local}:127.0.0.1:${target}`],
    ...['-p', String(ssh), `${userInfo().username}@127.0.0.1`],
  ]
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

function isThere(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
