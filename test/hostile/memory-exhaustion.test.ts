/** Clients on real sockets while the process is short of memory, or has hardly any left. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { proxyEverything } from '../../routes/proxy.ts'
import { DEFAULT_LIMITS, DEFAULT_RULES } from '../../src/config/defaults.ts'
import { onContent } from '../../src/heap/content-volume.ts'
import { createCache } from '../../src/library/embed.ts'
import { createDataPort } from '../../src/ports/data-port.ts'
import { MIN_CONNECTIONS } from '../../src/ports/max-connections.ts'
import { createPeers } from '../../src/ports/peers.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { until } from '../support/waiting.ts'
import { originAt, openPort } from './loopback.ts'
import { RawClient } from './client.ts'

/** No connection takes this long to be closed. */
const PATIENCE_MS = 20_000
const STORED = request('/stored')
const MISS = request('/miss')
/** More than are let in when memory is exhausted from the start. */
const OPEN = MIN_CONNECTIONS + 10
const MAX_CONNECTIONS = 2 * OPEN

const pressure = { high: false, exhausted: false }
const closing: (() => unknown)[] = []
let clock: FakeClock
let hanging: boolean
/** Why connections were closed as they arrived. */
const refused: string[] = []
let requests: number
let port: number
let openCount: () => Promise<number>

beforeEach(async () => {
  clock = new FakeClock()
  Object.assign(pressure, { high: false, exhausted: false })
  hanging = false
  refused.length = 0
  requests = 0
  const server = createServer(({ url: path }, response) => {
    hanging ||= path === '/hangs'
    if (path === '/hangs') return
    response.writeHead(200, { 'Cache-Control': 'max-age=3600' }).end('fine')
  })
  const origin = await originAt(server, closing)
  const routes = [{ name: 'default', match: {}, origin, rules: DEFAULT_RULES }]
  const cache = createCache({ routes, limits: { maxWaiting: 1 }, pressure })
  closing.push(() => cache.close())
  cache.events.on('request', () => void requests++)
  const limits = { ...DEFAULT_LIMITS, maxConnections: MAX_CONNECTIONS }
  const { app } = createDataPort(limits, clock, { pressure, onRefusedConnection: (reason) => refused.push(reason) })
  proxyEverything(app, { cache, peerOf: createPeers([]), pressure })
  ;({ port, connections: openCount } = await openPort(app, closing))
  using first = await RawClient.connect(port)
  first.send(STORED)
  await first.receive(1)
})
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

test('while memory is short, a 503 closes its connection, and a hit does not', async () => {
  pressure.high = true
  using client = await RawClient.connect(port)
  client.send(STORED)
  expect(await client.receive(1)).toMatchObject({ responses: [{ status: 200 }], closed: false })
  client.send(MISS)
  const { responses, closed } = await client.receive(3)
  expect([responses.map(({ status }) => status), closed]).toEqual([[200, 503], true])
  expect(responses[1]?.head).toMatch(/^connection: close$/im)
})

test('while memory is short, requests behind a refused one are not processed', async () => {
  pressure.high = true
  using client = await RawClient.connect(port)
  client.send(MISS + STORED + MISS)
  const { responses, closed } = await client.receive(4)
  expect([responses.map(({ status }) => status), closed, requests]).toEqual([[503], true, 2])
})

test('requests count towards the next look at memory besides their connections, even if they are refused', async () => {
  pressure.high = true
  const look = vi.fn()
  closing.push(onContent(look))
  for (let n = 0; n < 256; n++) {
    using client = await RawClient.connect(port)
    client.send(MISS)
    await client.receive(1)
  }
  expect(look.mock.calls.length).toBeGreaterThanOrEqual(2)
})

test('a 503 for another reason than memory keeps its connection', async () => {
  using waiting = await RawClient.connect(port)
  waiting.send(request('/hangs'))
  await until(() => hanging, 'the origin is asked')
  using client = await RawClient.connect(port)
  client.send(MISS)
  expect(await client.receive(1)).toMatchObject({ responses: [{ status: 503 }], closed: false })
})

test('while memory is exhausted, no more connections are open than before, and those are served', async () => {
  const open = await Promise.all(Array.from({ length: OPEN }, () => RawClient.connect(port)))
  closing.push(() => open.forEach((client) => client[Symbol.dispose]()))
  await until(async () => (await openCount()) === OPEN, 'all are accepted')
  Object.assign(pressure, { high: true, exhausted: true })
  await expectClosed()
  for (const client of open) client.send(STORED)
  const answers = await Promise.all(open.map((client) => client.receive(1)))
  expect(answers.every(({ responses, closed }) => responses[0]?.status === 200 && !closed)).toBe(true)

  open[0]?.[Symbol.dispose]()
  await until(async () => (await openCount()) < OPEN, 'one has left')
  using next = await RawClient.connect(port)
  next.send(STORED)
  expect(await next.receive(1)).toMatchObject({ responses: [{ status: 200 }], closed: false })
  await expectClosed()

  Object.assign(pressure, { high: false, exhausted: false })
  using later = await RawClient.connect(port)
  later.send(STORED)
  expect(await later.receive(1)).toMatchObject({ responses: [{ status: 200 }], closed: false })
})

test('when memory is exhausted by something else, a few connections are accepted all the same', async () => {
  Object.assign(pressure, { high: true, exhausted: true })
  const few = await Promise.all(Array.from({ length: MIN_CONNECTIONS }, () => RawClient.connect(port)))
  closing.push(() => few.forEach((client) => client[Symbol.dispose]()))
  for (const client of few) client.send(STORED)
  for (const client of few)
    expect(await client.receive(1)).toMatchObject({ responses: [{ status: 200 }], closed: false })
  await expectClosed()
})

test('while memory is exhausted but misses are served, more connections are accepted as time goes by', async () => {
  const open = await Promise.all(Array.from({ length: OPEN }, () => RawClient.connect(port)))
  closing.push(() => open.forEach((client) => client[Symbol.dispose]()))
  await until(async () => (await openCount()) === OPEN, 'all are accepted')
  pressure.exhausted = true
  await expectClosed()
  await clock.advance(100)
  using next = await RawClient.connect(port)
  next.send(MISS)
  expect(await next.receive(1)).toMatchObject({ responses: [{ status: 200 }], closed: false })
  pressure.high = true
  await expectClosed()
})

test('a connection that is closed as it arrives is reported, with the reason', async () => {
  const open = await Promise.all(Array.from({ length: MAX_CONNECTIONS }, () => RawClient.connect(port)))
  closing.push(() => open.forEach((client) => client[Symbol.dispose]()))
  await until(async () => (await openCount()) === MAX_CONNECTIONS, 'all are accepted')
  expect(refused).toEqual([])
  await expectClosed()
  expect(refused).toEqual(['limit'])
  Object.assign(pressure, { high: true, exhausted: true })
  await expectClosed()
  expect(refused).toEqual(['limit', 'limit'])
  for (const client of open.splice(OPEN)) client[Symbol.dispose]()
  await until(async () => (await openCount()) === OPEN, 'some have left')
  Object.assign(pressure, { high: false, exhausted: false })
  using last = await RawClient.connect(port)
  last.send(STORED)
  await last.receive(1)
  Object.assign(pressure, { high: true, exhausted: true })
  await expectClosed()
  expect(refused).toEqual(['limit', 'limit', 'memory'])
})

async function expectClosed(): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' })
  let received = 0
  socket.on('data', ({ length }) => (received += length)).on('error', () => {})
  socket.write(STORED)
  await once(socket, 'close', { signal: AbortSignal.timeout(PATIENCE_MS) })
  expect(received).toBe(0)
}

function request(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`
}
