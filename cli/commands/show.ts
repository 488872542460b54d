import { writeFile } from 'node:fs/promises'
import { Args, Flags } from '@oclif/core'
import { Request } from '../../protocol/api/requests.ts'
import { BaseCommand } from '../base-command.ts'
import type { BrokerApi } from '../broker-api.ts'
import { requestScreen } from '../output/request-screen.ts'
import { requestPath } from '../request-path.ts'

export default class Show extends BaseCommand {
  static override summary = 'A request in full.'
  static override description =
    `Who asks, where, the statement with its parameters, what it is expected to do, and the
digest of exactly what will run. Above 64 kB the two ends are shown; --output writes all of it. Passwords in it are shown to nobody.`
  static override args = { id: Args.string({ required: true, description: 'the request' }) }
  static override flags = {
    output: Flags.string({
      description: 'write all of the statement to this file, byte for byte',
      helpValue: 'FILE',
    }),
  }
  static override examples = [
    '<%= config.bin %> show r-7k2mq8w9xe',
    '<%= config.bin %> show r-7k2mq8w9xe --output statement.sql',
  ]

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Show)
    const api = await this.api()
    const request = await api.request('GET', requestPath(args.id), { schema: Request })
    if (flags.output !== undefined) await this.#save(api, request, flags.output)
    if (this.json) {
      this.out.document(request)
      return
    }
    this.out.data(requestScreen(request, this.out, Date.now()))
    if (request.state === 'pending') this.#hint(request)
  }

  async #save(api: BrokerApi, request: Request, file: string): Promise<void> {
    const response = await api.stream('GET', `${requestPath(request.id)}/statement`)
    // Statements hold what people must not see: the file is the person's alone.
    await writeFile(file, Buffer.from(await response.arrayBuffer()), { mode: 0o600 })
    this.out.say(`Wrote the statement to ${file}.`)
  }

  #hint(request: Request): void {
    const { id, cut, digest } = request
    if (cut !== null) {
      this.out.hint(`\nRead all of it first: hoop show ${id} --output FILE`)
      this.out.hint(`hoop approve ${id} --digest ${digest}`)
    } else this.out.hint(`\nhoop approve ${id}`)
    this.out.hint(`hoop reject ${id} --reason TEXT`)
  }
}
