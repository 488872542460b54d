import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'

/**
 * The yardstick: a tunnel of hoop's shape (local port, one WebSocket for each connection, broker,
 * target) that understands nothing and relays bytes. It exists for the bench alone.
 *
 *     node unparsed-tunnel.ts broker TARGET_PORT     prints the port of its WebSocket
 *     node unparsed-tunnel.ts listener BROKER_PORT   prints the port for clients
 */

const HIGH_WATER = 1 << 20

function relay(socket: Socket, ws: WebSocket): void {
  socket.setNoDelay(true)
  socket.on('data', (bytes) => {
    ws.send(bytes, { binary: true, compress: false }, () => {
      if (socket.isPaused() && ws.bufferedAmount < HIGH_WATER) socket.resume()
    })
    if (ws.bufferedAmount >= HIGH_WATER) socket.pause()
  })
  ws.on('message', (bytes) => {
    if (!socket.write(bytes as Buffer)) ws.pause()
  })
  socket.on('drain', () => ws.resume())
  socket.on('close', () => ws.close())
  socket.on('error', () => ws.terminate())
  ws.on('close', () => socket.destroy())
  ws.on('error', () => socket.destroy())
}

async function broker(target: number): Promise<number> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
  server.on('connection', (ws, request) => {
    request.socket.setNoDelay(true)
    ws.pause()
    const socket = connect(target, '127.0.0.1', () => {
      relay(socket, ws)
      ws.resume()
    })
    socket.once('error', () => ws.terminate())
  })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function listener(brokerPort: number): Promise<number> {
  const server: Server = createServer({ pauseOnConnect: true }, (socket) => {
    const ws = new WebSocket(`ws://127.0.0.1:${brokerPort}`, { perMessageDeflate: false })
    ws.once('upgrade', (response) => response.socket.setNoDelay(true))
    ws.once('open', () => {
      relay(socket, ws)
      socket.resume()
    })
    ws.once('error', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const [role, port] = process.argv.slice(2)
const own = role === 'broker' ? broker(Number(port)) : listener(Number(port))
process.stdout.write(`${await own}\n`)
