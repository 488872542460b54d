import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { planRows, type RowPlan } from '../../../broker/masking/plan.ts'
import type { ProtectedColumns } from '../../../broker/masking/protect.ts'
import { maskRows } from '../../../broker/masking/rows.ts'
import { BACKEND, BACKEND_RULES, decodeRowDescription } from '../../../protocol/pg/backend.ts'
import { Framer } from '../../../protocol/pg/framer.ts'

/** A relay that masks what comes back, so that real drivers read masked rows of a real server. */
export interface MaskingProxy {
  readonly port: number
  /** All masked rows that went to clients. */
  readonly rows: Buffer[]
  close(): void
}

export async function maskingProxy(
  target: number,
  protect: ProtectedColumns,
): Promise<MaskingProxy> {
  const sockets = new Set<Socket>()
  const rows: Buffer[] = []
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
    }
    client.pipe(upstream)
    upstream.on('close', () => client.end())
    relay(upstream, client, protect, rows)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    rows,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

function relay(upstream: Socket, client: Socket, protect: ProtectedColumns, rows: Buffer[]): void {
  const framer = new Framer(BACKEND_RULES)
  let plan: RowPlan | null = null
  upstream.on('data', (bytes: Buffer) => {
    framer.push(bytes)
    for (let frame = framer.next(); frame !== null; frame = framer.next()) {
      if (frame.type === BACKEND.rowDescription) {
        plan = planRows(decodeRowDescription(frame.bytes), null, protect)
      }
      if (frame.type === BACKEND.dataRow && plan !== null) {
        const masked = maskRows(frame.bytes, plan)
        rows.push(masked)
        client.write(masked)
      } else client.write(frame.bytes)
    }
  })
}
