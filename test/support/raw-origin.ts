import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** A request head as received. */
export interface RawRequest {
  readonly socket: Socket
  /** Request line and field lines, without the empty line. */
  readonly head: string
  /** Octets received together with the head. */
  readonly rest: Buffer
  /** Number of the connection, and of the request on that connection, both from 0. */
  readonly connection: number
  readonly turn: number
}

export interface RawOrigin {
  readonly url: string
  readonly port: number
  readonly requests: RawRequest[]
  readonly sockets: Socket[]
  close(): Promise<void>
}

/** An origin that writes exactly the octets a test gives it, valid or not. */
export async function rawOrigin(
  onRequest: (request: RawRequest) => void,
  listener: (onConnection: (socket: Socket) => void) => Server = (onConnection) => createServer(onConnection),
): Promise<RawOrigin> {
  const requests: RawRequest[] = []
  const sockets: Socket[] = []
  const server = listener((socket) => {
    const connection = sockets.push(socket) - 1
    let turn = 0
    let received = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      const end = received.indexOf('\r\n\r\n')
      if (end < 0 || !/^[A-Z]+ [^ ]+ HTTP/.test(received.toString('latin1'))) return
      const head = received.toString('latin1', 0, end)
      const request = { socket, head, rest: received.subarray(end + 4), connection, turn: turn++ }
      received = Buffer.alloc(0)
      requests.push(request)
      onRequest(request)
    })
  })
  const port = await listen(server)
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    sockets,
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      if (server.listening) await once(server, 'close')
    },
  }
}

/** Listens on the loopback address. @returns the port */
export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening on a port')
  return address.port
}

/**
 * A port on which nothing listens, nor will while this process lives: it is that of a connection. One that was merely
 * closed could be given to a server of another test.
 */
export async function deadPort(): Promise<number> {
  const server = createServer((accepted) => void accepted.unref()).unref()
  const socket = connect(await listen(server), '127.0.0.1').unref()
  await once(socket, 'connect')
  server.close()
  return socket.localPort ?? 0
}

/** A complete 200 response with the given content. */
export function ok(content = 'ok', fields = ''): string {
  return `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${Buffer.byteLength(content)}\r\n\r\n${content}`
}
