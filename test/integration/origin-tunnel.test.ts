import { createServer } from 'node:http'
import { connect, createServer as createTcpServer, type Server, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import type { Fields } from '../../src/fields.ts'
import { tunnel, type Tunnelled, type TunnelOptions } from '../../src/origin/tunnel.ts'
import { passedHead } from '../../src/policy/response.ts'
import { DEFAULT_RULES } from '../../src/config/defaults.ts'
import { selfSigned } from '../support/certificate.ts'
import { codeOf, destinationAt } from '../support/origin-calls.ts'
import { deadPort, listen, type RawRequest, rawOrigin } from '../support/raw-origin.ts'
import { gate, standstill, until } from '../support/waiting.ts'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const thing of open.splice(0).toReversed()) await thing.close()
})

const SWITCHED =
  'HTTP/1.1 101 Web Socket Protocol Handshake\r\nX-A: 1\r\nx-a: 2\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
const FIELDS = ['Host', 'Chat.Example', 'Connection', 'Upgrade', 'Upgrade', 'websocket', 'X-B', '1', 'x-B', '2']

interface Front {
  /** Connects as a client that wants to upgrade, with octets right after its head. */
  readonly client: (early?: string) => Client
  /** How the tunnels went, in order. */
  readonly outcomes: Promise<Tunnelled>[]
  /** The proxy's ends of the client connections. */
  readonly sockets: Duplex[]
}

interface Client {
  readonly socket: Socket
  readonly received: () => string
}

/** A proxy that does nothing but pass upgrades on. */
async function front(url: string, options: Partial<TunnelOptions> = {}): Promise<Front> {
  const outcomes: Promise<Tunnelled>[] = []
  const sockets: Duplex[] = []
  const server = createServer().on('upgrade', (request, socket, head) => {
    const target = request.url ?? ''
    const limits = { connectTimeout: 5_000, headersTimeout: 20_000, clock: systemClock }
    const onAnswer = (status: number, fields: Fields) =>
      passedHead(status, fields, { result: 'pass' }, DEFAULT_RULES).slice(0, -4)
    const destinations = () => [destinationAt(url)]
    const outcome = tunnel({ destinations, target, fields: FIELDS, onAnswer, ...limits, ...options }, { socket, head })
    outcome.catch(() => {})
    sockets.push(socket)
    outcomes.push(outcome)
  })
  const port = await listen(server)
  const clients: Socket[] = []
  open.push({
    async close() {
      for (const socket of [...clients, ...sockets]) socket.destroy()
      server.close()
    },
  })
  return {
    outcomes,
    sockets,
    client(early = '') {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      let text = ''
      socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1'))).on('error', () => {})
      socket.write(`GET /chat?room=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${early}`)
      clients.push(socket)
      return { socket, received: () => text }
    },
  }
}

async function served(onRequest: (request: RawRequest) => void, listener?: Parameters<typeof rawOrigin>[1]) {
  const server = await rawOrigin(onRequest, listener)
  open.push(server)
  return server
}

/** Keeps its own direction open when the client ends the other. */
const halfOpen = (onConnection: (socket: Socket) => void): Server =>
  createTcpServer({ allowHalfOpen: true }, onConnection)

/** Switches, then sends back in capitals whatever comes. */
function echo({ socket, rest }: RawRequest): void {
  const shout = (chunk: Buffer) => socket.write(chunk.toString().toUpperCase())
  socket.removeAllListeners('data')
  socket.write(SWITCHED)
  if (rest.length > 0) shout(rest)
  socket.on('data', shout)
}

describe('an upgrade that the origin accepts', () => {
  test('joins client and origin, and passes both heads on as they are', async () => {
    const server = await served(echo)
    const { client, outcomes } = await front(`${server.url}/base/`)
    const { socket, received } = client()
    await until(() => received().length === SWITCHED.length)
    expect(received()).toBe(SWITCHED)
    socket.write('hello')
    await until(() => received().endsWith('HELLO'))
    expect(server.requests[0]?.head.split('\r\n')).toEqual([
      'GET /base/chat?room=1 HTTP/1.1',
      'Host: Chat.Example',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'X-B: 1',
      'x-B: 2',
    ])
    socket.end()
    expect(await outcomes[0]).toMatchObject({ status: 101 })
  })

  test('loses no octets that came right after either head', async () => {
    const server = await served((request) => {
      echo({ ...request, rest: Buffer.concat([Buffer.from('welcome '), request.rest]) })
    })
    const { client } = await front(server.url)
    const { received } = client('early bird')
    await until(() => received().endsWith('WELCOME EARLY BIRD'))
    expect(received()).toBe(`${SWITCHED}WELCOME EARLY BIRD`)
  })

  test('works over TLS', async () => {
    const certificate = selfSigned(['127.0.0.1'])
    const server = await served(echo, (onConnection) => createTlsServer(certificate, onConnection))
    const trusted = getCACertificates('default')
    onTestFinished(() => setDefaultCACertificates(trusted))
    setDefaultCACertificates([certificate.cert])
    const { client } = await front(`https://127.0.0.1:${server.port}`)
    const { socket, received } = client()
    socket.write('hello')
    await until(() => received() === `${SWITCHED}HELLO`)
  })

  test('does not forward the framing of a client that announced content', async () => {
    const server = await served(echo)
    const fields = [...FIELDS, 'Content-Length', '30', 'Transfer-Encoding', 'chunked', 'Expect', '100-continue']
    const { client } = await front(server.url, { fields })
    const { received } = client()
    await until(() => received() === SWITCHED)
    expect(server.requests[0]?.head).not.toMatch(/content-length|transfer-encoding|expect/i)
  })

  test('passes a half-close on and keeps the other direction open', async () => {
    const server = await served(
      ({ socket }) => {
        socket.removeAllListeners('data')
        socket.write(SWITCHED)
        let text = ''
        socket.on('data', (chunk) => (text += String(chunk))).on('end', () => socket.end(`got ${text}`))
      },
      // Answers only once the client's end has arrived.
      halfOpen,
    )
    const { client, outcomes } = await front(server.url)
    const { socket, received } = client()
    socket.end('all of it')
    await until(() => received().endsWith('got all of it'))
    expect(await outcomes[0]).toMatchObject({ status: 101 })
  })

  test('passes on a half-close of the origin too, and still forwards what the client sends', async () => {
    let heard = ''
    const server = await served(({ socket }) => {
      socket.removeAllListeners('data')
      socket.end(SWITCHED)
      socket.on('data', (chunk) => (heard += String(chunk)))
    }, halfOpen)
    const { client, outcomes } = await front(server.url)
    const { socket } = client()
    await until(() => socket.readableEnded)
    socket.end('last words')
    expect(await outcomes[0]).toMatchObject({ status: 101 })
    await until(() => heard === 'last words')
  })

  test('takes no more from the origin than the client reads', async () => {
    let written = 0
    const server = await served(({ socket }) => {
      const write = () => {
        do written += 65_536
        while (written < 256 * 1024 * 1024 && socket.write(Buffer.alloc(65_536)))
      }
      socket.write(SWITCHED)
      socket.on('drain', write)
      write()
    })
    const { client } = await front(server.url)
    client().socket.pause()
    await standstill(() => written)
    expect(written).toBeLessThan(32 * 1024 * 1024)
  })

  test.each(['client', 'origin', 'proxy'] as const)(
    'ends for both when a connection is ended by the %s',
    async (who) => {
      const server = await served(echo)
      const { client, outcomes, sockets } = await front(server.url)
      const { socket, received } = client()
      await until(() => received() === SWITCHED)
      const closed = { client: false, origin: false }
      socket.on('close', () => (closed.client = true)).on('end', () => socket.end())
      server.sockets[0]?.on('close', () => (closed.origin = true))
      if (who === 'client') socket.resetAndDestroy()
      else if (who === 'origin') server.sockets[0]?.resetAndDestroy()
      else sockets[0]?.destroy()
      expect(await outcomes[0]).toMatchObject({ status: 101 })
      await until(() => closed.client && closed.origin)
    },
  )

  test('probes a silent client by TCP keep-alive, as it may have vanished', async () => {
    const probing = vi.spyOn(Socket.prototype, 'setKeepAlive')
    onTestFinished(() => probing.mockRestore())
    const server = await served(echo)
    const { client, sockets } = await front(server.url)
    const { received } = client()
    await until(() => received() === SWITCHED)
    const ofClient = probing.mock.calls.filter((_, at) => probing.mock.contexts[at] === sockets[0])
    expect(ofClient).toEqual([[true, 60_000]])
  })

  test('ends headersTimeout after one side has ended, if the other stays silent', async () => {
    const server = await served(({ socket }) => socket.write(SWITCHED), halfOpen)
    const { client, outcomes } = await front(server.url, { headersTimeout: 1_000 })
    const { socket, received } = client()
    await until(() => received() === SWITCHED)
    socket.end()
    expect(await outcomes[0]).toMatchObject({ status: 101 })
    await until(() => socket.readableEnded)
  })
  test('ends headersTimeout after it was accepted, if the client had ended before and the origin stays silent', async () => {
    const server = await served(() => {}, halfOpen)
    const { client, outcomes, sockets } = await front(server.url, { headersTimeout: 1_000 })
    client().socket.end()
    await until(() => server.requests.length === 1 && (sockets[0] as Socket).readableEnded)
    server.requests[0]?.socket.write(SWITCHED)
    expect(await outcomes[0]).toMatchObject({ status: 101 })
  })
})

describe('an upgrade that the origin refuses', () => {
  test('gives the client the answer, with its content, and closes', async () => {
    const server = await served(({ socket }) =>
      socket.write(
        'HTTP/1.1 403 No Way\r\nX-A: 1\r\nKeep-Alive: timeout=5\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nContent-Length: 4\r\n\r\nnope',
      ),
    )
    const { client, outcomes } = await front(server.url)
    const { socket, received } = client()
    await until(() => socket.readableEnded)
    expect(received()).toBe('HTTP/1.1 403 No Way\r\nX-A: 1\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnope')
    expect(await outcomes[0]).toEqual({ status: 403, bytes: 4, aborted: false })
    await until(() => server.sockets[0]?.destroyed === true)
  })

  test('with content of unknown length sends it in chunks', async () => {
    const server = await served(({ socket }) => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello'))
    const { client } = await front(server.url)
    const { socket, received } = client()
    await until(() => socket.readableEnded)
    expect(received()).toBe(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    )
  })

  test('with content that breaks off breaks off the client connection too', async () => {
    const server = await served(({ socket }) =>
      socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nhello'),
    )
    const { client, sockets } = await front(server.url)
    const { socket, received } = client()
    await until(() => socket.closed || socket.readableEnded)
    expect(received()).not.toMatch(/hello.+/)
    expect(sockets[0]?.destroyed).toBe(true)
  })
})

/** An upgrade that fails, and its error code. */
async function failed(url: string, options: Partial<TunnelOptions> = {}): Promise<[code: string, Front, Client]> {
  const proxy = await front(url, options)
  const client = proxy.client()
  await until(() => proxy.outcomes.length === 1)
  return [await codeOf(proxy.outcomes[0] ?? Promise.resolve()), proxy, client]
}

describe('an upgrade without an answer', () => {
  test('leaves the client untouched, for the caller to answer', async () => {
    const [code, proxy, { received }] = await failed(`http://127.0.0.1:${await deadPort()}`)
    expect(code).toBe('origin_refused')
    proxy.sockets[0]?.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
    await until(() => received() === 'HTTP/1.1 502 Bad Gateway\r\n\r\n')
  })

  test('tells reset, silence and nonsense apart', async () => {
    const silent = await served(() => {})
    const closing = await served(({ socket }) => socket.end())
    const odd = await served(({ socket }) => socket.write('nonsense\r\n\r\n'))
    expect((await failed(silent.url, { headersTimeout: 80 }))[0]).toBe('origin_timeout')
    expect((await failed(closing.url))[0]).toBe('origin_reset')
    expect((await failed(odd.url))[0]).toBe('origin_invalid')
    await until(() => silent.sockets[0]?.destroyed === true)
  })

  test('is given up when the client leaves', async () => {
    const asked = gate()
    const server = await served(() => asked.open())
    const proxy = await front(server.url)
    const { socket } = proxy.client()
    await asked.opened
    socket.resetAndDestroy()
    expect(await codeOf(proxy.outcomes[0] ?? Promise.resolve())).toBe('client_gone')
    await until(() => server.sockets[0]?.destroyed === true)
  })
})
