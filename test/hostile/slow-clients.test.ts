/**
 * Hundreds of slow clients on real sockets. Timeouts of node:http take real time, some seconds here, and only in tests
 * of those; Herdgate's own timeouts use a fake clock.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { proxyEverything } from '../../routes/proxy.ts'
import { createDataPort } from '../../src/ports/data-port.ts'
import { DEFAULT_LIMITS, DEFAULT_RULES, type Limits } from '../../src/config/defaults.ts'
import { createCache } from '../../src/library/embed.ts'
import { createPeers } from '../../src/ports/peers.ts'
import { passUpgrades } from '../../src/ports/upgrade.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { destinationAt } from '../support/origin-calls.ts'
import { deadPort } from '../support/raw-origin.ts'
import { originAt, openPort } from './loopback.ts'
import { RawClient } from './client.ts'
import { until } from '../support/waiting.ts'

const MIB = 2 ** 20
const MANY = 200
const WINDOW_MS = 10_000
/** Octets per window that satisfy the minimum rate. */
const ENOUGH = 10_000
const LIMITS: Limits = {
  ...DEFAULT_LIMITS,
  headTimeout: 600_000,
  idleTimeout: 600_000,
  minRate: 1_000,
  minRateWindow: WINDOW_MS,
}
/** Enough for all requests to be read, on a busy machine too. */
const HEAD_MS = 3_000
const IDLE_MS = 300

const closing: (() => unknown)[] = []
const sockets: Socket[] = []
let clock: FakeClock
let answer: RequestListener
let uploads: IncomingMessage[]
let port: number
let connections: () => Promise<number>

beforeEach(() => {
  clock = new FakeClock()
  uploads = []
  answer = (_request, response) => response.end('fine')
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const close of closing.splice(0).toReversed()) await close()
})

async function start(limits: Partial<Limits> = {}): Promise<void> {
  const server: Server = createServer((request, response) => {
    uploads.push(request)
    answer(request, response)
  })
  const origin = await originAt(server, closing)
  const routes = [{ name: 'default', match: {}, origin, rules: { ...DEFAULT_RULES, maxObjectBytes: 64 * MIB } }]
  const cache = createCache({ routes })
  closing.push(() => cache.close())
  const { app: data } = createDataPort({ ...LIMITS, ...limits }, clock)
  const peerOf = createPeers([])
  proxyEverything(data, { cache, peerOf })
  const times = { connectTimeout: 1_000, headersTimeout: 1_000 }
  const destination = destinationAt(`http://127.0.0.1:${await deadPort()}`)
  const unreachable = { destinations: () => [destination], ...times, enter: async () => () => {} }
  passUpgrades(data.server, { routes, transport: () => unreachable, peerOf, clock, events: cache.events })
  ;({ port, connections } = await openPort(data, closing))
}

interface Client {
  readonly socket: Socket
  received: number
  /** Number of octets after which it pauses. */
  takes: number
  /** The beginning of what was received. */
  head: string
  error: string | undefined
  closed: boolean
}

/** @param takes octets after which it pauses */
async function client(sends: string, takes = Number.POSITIVE_INFINITY): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  sockets.push(socket)
  const made: Client = { socket, received: 0, takes, head: '', error: undefined, closed: false }
  socket.on('data', (chunk: Buffer) => {
    if (made.received === 0) made.head = chunk.toString('latin1', 0, 200)
    made.received += chunk.length
    if (made.received >= made.takes) socket.pause()
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    made.error = error.code
  })
  socket.on('close', () => {
    made.closed = true
  })
  await once(socket, 'connect')
  socket.write(sends, 'latin1')
  return made
}

const clients = (sends: string, count = MANY, takes?: number): Promise<Client[]> =>
  Promise.all(Array.from({ length: count }, () => client(sends, takes)))

/** The other side has ended or reset the connection. */
const isLeft = ({ socket, closed }: Client): boolean => closed || socket.readableEnded

const GET = 'GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n'
const upload = (length: number): string => `POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${length}\r\n\r\n`

async function expectServed(): Promise<void> {
  const { head } = await answered(await client('GET /ok HTTP/1.1\r\nHost: a.test\r\n\r\n'))
  expect(head).toMatch(/^HTTP\/1\.1 200 /)
}

async function answered(one: Client): Promise<Client> {
  await until(() => one.received > 0, 'an answer')
  return one
}

describe('node:http drops', () => {
  test.each([
    ['heads that trickle in', 'GET /x HTTP/1.1\r\nHos', 408],
    ['connections that send nothing', '', 408],
    ['heads that trickle in after a request', `${GET}GET /x HT`, 200],
  ])('%s', async (_what, sends, status) => {
    await start({ headTimeout: HEAD_MS, idleTimeout: IDLE_MS })
    const slow = await clients(sends)
    const drip = setInterval(() => slow.forEach(({ socket }) => sends !== '' && socket.write('a')), 50)
    closing.push(() => clearInterval(drip))
    await until(() => slow.every(isLeft), 'all of them are disconnected')
    for (const { head } of slow) expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    await expectServed()
  })

  test('idle connections', async () => {
    await start({ idleTimeout: IDLE_MS })
    const idle = await clients(GET)
    await until(() => idle.every(isLeft), 'all of them are disconnected')
    for (const { head } of idle) expect(head).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('connections beyond the limit', async () => {
    await start({ maxConnections: 20 })
    const first = await clients('', 20)
    const [late] = await clients(GET, 1)
    await until(() => late !== undefined && isLeft(late), 'the last is disconnected')
    expect(late?.head).toBe('')
    first[0]?.socket.destroy()
    await until(async () => {
      const next = await client(GET)
      await until(() => isLeft(next) || next.received > 0, 'an answer or none')
      return next.received > 0
    }, 'there is room again')
    expect(first.slice(1).some(isLeft)).toBe(false)
  })
})

test('a head completed just before it would be refused is answered, without a 408 after the answer', async () => {
  answer = (_request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=60' })
    response.end('fine')
  }
  await start({ headTimeout: HEAD_MS })
  const [begun, rest] = [GET.slice(0, 20), GET.slice(20)]
  const keptAlive = await Promise.all(Array.from({ length: MANY }, () => greeted()))
  for (const one of keptAlive) one.send(begun)
  // All are late at once but refused a few at a time: after the first refusal the others still await theirs.
  await Promise.race(keptAlive.map((one) => one.receive(2)))
  for (const one of keptAlive) one.send(rest)
  const conversations = await Promise.all(keptAlive.map((one) => one.receive(2)))
  const inTime = keptAlive.filter((_, at) => conversations[at]?.responses[1]?.status === 200)
  expect(inTime).not.toEqual([])
  for (const one of inTime) one.send(GET)
  const after = await Promise.all(inTime.map((one) => one.receive(3)))
  for (const { responses } of after) expect(responses.map(({ status }) => status)).toEqual([200, 200, 200])
})

/** A connection on which one request has been answered. */
async function greeted(): Promise<RawClient> {
  const one = await RawClient.connect(port)
  closing.push(() => one[Symbol.dispose]())
  one.send(GET)
  expect((await one.receive(1)).responses).toMatchObject([{ status: 200 }])
  return one
}

describe('request content', () => {
  test('that drips in is refused with 408, and the request to the origin aborted', async () => {
    answer = () => {}
    await start()
    const slow = await clients(`${upload(1_000_000)}a`)
    await until(() => uploads.length === MANY, 'all have reached the origin')
    for (let second = 0; second < 12; second++) {
      await clock.advance(1_000)
      for (const { socket } of slow) socket.write('a')
    }
    await until(() => slow.every(isLeft), 'all of them are disconnected')
    for (const { head } of slow) expect(head).toMatch(/^HTTP\/1\.1 408 /)
    await until(() => uploads.every(({ destroyed }) => destroyed), 'no upload continues')
    answer = (_request, response) => response.end('fine')
    await expectServed()
  })

  test('of HEAD that stops arriving is refused without content', async () => {
    answer = () => {}
    await start()
    using slow = await RawClient.connect(port, true)
    slow.send(`${upload(1_000_000).replace('POST', 'HEAD')}a`)
    await until(() => uploads.length === 1, 'it has reached the origin')
    await clock.advance(2 * WINDOW_MS)
    const { responses, rest } = await slow.receive(2)
    expect([responses.map(({ status }) => status), rest]).toEqual([[408], ''])
  })

  test('that stops arriving is refused within a second of the window, however many such clients there are', async () => {
    answer = () => {}
    await start()
    const slow = await clients(`${upload(1_000_000)}a`)
    await until(() => uploads.length === MANY, 'all have reached the origin')
    await clock.advance(WINDOW_MS + 900)
    await until(() => slow.every(isLeft), 'all of them are disconnected')
  })

  test('that stops after a good start is refused before two windows have passed', async () => {
    let received = 0
    answer = (request) => request.on('data', (chunk: Buffer) => (received += chunk.length))
    await start()
    const slow = await client(`${upload(1_000_000)}a`)
    await until(() => uploads.length === 1, 'it has reached the origin')
    await clock.advance(WINDOW_MS / 5)
    slow.socket.write(Buffer.alloc(10 * ENOUGH))
    await until(() => received === 1 + 10 * ENOUGH, 'it has arrived')
    await clock.advance(WINDOW_MS)
    expect(isLeft(slow)).toBe(false)
    await clock.advance(WINDOW_MS / 5)
    await until(() => isLeft(slow), 'it is disconnected')
  })

  test('that still drips in after its answer was sent is cut off too', async () => {
    await start()
    const [slow] = await clients(`${upload(1_000_000)}a`, 1)
    if (slow === undefined) return
    expect((await answered(slow)).head).toMatch(/^HTTP\/1\.1 200 /)
    await clock.advance(2 * WINDOW_MS)
    await until(() => isLeft(slow), 'it is disconnected')
  })

  test('that arrives at the minimum rate may take any length of time', async () => {
    let received = 0
    answer = (request) => request.on('data', (chunk: Buffer) => (received += chunk.length))
    await start()
    const steady = await client(upload(1_000_000_000))
    for (let sent = ENOUGH; sent <= 20 * ENOUGH; sent += ENOUGH) {
      steady.socket.write(Buffer.alloc(ENOUGH))
      await until(() => received === sent, 'it has arrived')
      await clock.advance(WINDOW_MS)
    }
    expect(isLeft(steady)).toBe(false)
  })

  test('that the origin does not read is not held against the client', async () => {
    let uploading: IncomingMessage | undefined
    answer = (request, response) => {
      uploading = request
      request.on('end', () => response.end('got it'))
    }
    await start()
    const length = 32 * MIB
    const held = await client(upload(length))
    held.socket.write(Buffer.alloc(length))
    await until(() => uploading !== undefined, 'it has reached the origin')
    await standstill(() => held.socket.bytesWritten - held.socket.writableLength)
    await clock.advance(10 * WINDOW_MS)
    expect(isLeft(held)).toBe(false)
    uploading?.resume()
    expect((await answered(held)).head).toMatch(/^HTTP\/1\.1 200 /)
  })
})

describe('a response', () => {
  const large = Buffer.alloc(32 * MIB)
  /** Fits in the store, but not in socket buffers. */
  const stored: RequestListener = (_request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=60', 'Content-Length': large.length })
    response.end(large)
  }
  const streamed: RequestListener = (_request, response) => {
    response.writeHead(200, { 'Content-Length': 2 ** 30 })
    const more = (): void => {
      while (!response.destroyed && response.write(large.subarray(0, MIB)));
    }
    response.on('drain', more)
    more()
  }

  test.each([
    ['stored', stored, 100],
    ['streamed', streamed, 20],
  ])('that the client does not read is cut off: %s', async (_how, listener, count) => {
    answer = listener
    await start()
    const slow = await clients(GET, count, 1)
    await Promise.all(slow.map(answered))
    await clock.advance(WINDOW_MS - 1_000)
    expect(await connections()).toBe(count)
    // The first windows may pass while the buffers between the two fill up.
    await until(async () => {
      await clock.advance(WINDOW_MS)
      return (await connections()) === 0
    }, 'all of them are cut off')
    slow.forEach(({ socket }) => socket.removeAllListeners('data').resume())
    await until(() => slow.every(({ closed }) => closed), 'they have noticed')
    for (const { error } of slow) expect(error).toBe('ECONNRESET')
    answer = (_request, response) => response.end('fine')
    await expectServed()
  })

  test.each([
    ['stored, in one long write', stored, 8, 3 * MIB],
    ['streamed', streamed, 20, 8 * MIB],
  ])('that is read at the minimum rate may take long: %s', async (_how, listener, windows, step) => {
    answer = listener
    await start()
    const first = await client(GET)
    await until(() => first.received > large.length, 'it may be stored')
    first.socket.destroy()
    const steady = await answered(await client(GET, 1))
    for (let window = 0; window < windows; window++) {
      // More than the socket buffers hold, so that some of it comes from Herdgate.
      steady.takes = steady.received + step
      steady.socket.resume()
      await until(() => steady.received >= steady.takes, 'it has received some')
      await clock.advance(WINDOW_MS)
    }
    expect(isLeft(steady)).toBe(false)
  })

  test('that the origin sends slowly is not held against the client', async () => {
    let finish = (): void => {}
    answer = (_request, response) => {
      response.write('a')
      finish = () => void response.end('b')
    }
    await start()
    const patient = await client(GET)
    await until(() => patient.received > 0, 'the first octet')
    await clock.advance(20 * WINDOW_MS)
    expect(isLeft(patient)).toBe(false)
    finish()
    await until(() => patient.received > 200, 'the end')
    answer = (_request, response) => response.end('fine')
    await expectServed()
  })
})

test.each([
  ['refused by the parser', 'GET /x HTTP/1.1\r\nHost : a.test\r\n\r\n', 400],
  ['refused as a method', 'CONNECT a.test:80 HTTP/1.1\r\nHost: a.test\r\n\r\n', 405],
  [
    'refused as an upgrade',
    'GET /x HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
    502,
  ],
])('a connection closed by Herdgate but not by the client is reset: %s', async (_why, sends, status) => {
  await start()
  const refused = await client(sends)
  expect((await answered(refused)).head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  await until(() => isLeft(refused), 'it has been ended')
  await clock.advance(WINDOW_MS - 1_000)
  await clock.advance(WINDOW_MS)
  await until(async () => (await connections()) === 0, 'it is reset')
})

test('closing the port stops watching its clients', async () => {
  await start()
  expect(clock.pending).toBe(1)
  for (const close of closing.splice(0).toReversed()) await close()
  expect(clock.pending).toBe(0)
})

/** Waits until a count no longer grows because all buffers are full. */
async function standstill(count: () => number): Promise<void> {
  let before = -1
  let still = 0
  await until(() => {
    still = count() === before ? still + 1 : 0
    before = count()
    return still === 20
  }, 'a standstill')
}
