import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { until } from './waiting.ts'

/** Bytes the server has received. */
let received = ''
let server: Server
let proxy: FaultProxy
const sockets: Socket[] = []

/** An echo server that records when a client is gone. */
beforeEach(async () => {
  received = ''
  server = createServer((socket) => {
    sockets.push(socket)
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString()
      socket.write(chunk)
    })
    socket.on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await startFaultProxy({ port: (server.address() as AddressInfo).port })
})

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await proxy.close()
  server.close()
})

/** A client and what it has received so far. */
async function client() {
  const socket = connect(proxy.port, '127.0.0.1')
  sockets.push(socket)
  const seen = { text: '', code: undefined as string | undefined, closed: false }
  socket.on('data', (chunk: Buffer) => {
    seen.text += chunk.toString()
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    seen.code = error.code
  })
  socket.on('close', () => {
    seen.closed = true
  })
  await once(socket, 'connect')
  return { socket, seen, send: (text: string) => void socket.write(text) }
}

test('bytes pass both ways, and so does the end', async () => {
  const { socket, seen, send } = await client()
  send('hello')
  await until(() => seen.text === 'hello', 'the echo')
  socket.end(' and bye')
  await until(() => seen.closed, 'the end')
  expect(seen).toMatchObject({ text: 'hello and bye', code: undefined })
  await until(() => proxy.connections === 0, 'the link is gone')
})

test('large data passes completely, and a slow reader slows the sender', async () => {
  const { socket, seen } = await client()
  const whole = 'x'.repeat(8 * 1024 * 1024)
  socket.pause()
  socket.write(whole)
  await delay(100)
  socket.resume()
  await until(() => seen.text.length === whole.length, 'all of it')
})

test('a delay holds back replies, in order, and not what the client sends', async () => {
  const { seen, send } = await client()
  proxy.set({ kind: 'delay', ms: 3_600_000 })
  const startedAt = performance.now()
  send('a')
  await until(() => received === 'a', 'the command')
  send('b')
  await until(() => received === 'ab', 'the next command')
  expect(seen.text).toBe('')
  proxy.set({ kind: 'delay', ms: 300 })
  await until(() => seen.text === 'ab', 'both replies')
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(299)
})

test('delayed data arrives at once when the delay ends', async () => {
  const { seen, send } = await client()
  proxy.set({ kind: 'delay', ms: 3_600_000 })
  send('a')
  await until(() => received === 'a', 'the command')
  proxy.set({ kind: 'pass' })
  await until(() => seen.text === 'a', 'the reply')
})

test('a throttle limits the bytes per second', async () => {
  const { seen, send } = await client()
  proxy.set({ kind: 'throttle', bytesPerSecond: 20_000 })
  const startedAt = performance.now()
  send('x'.repeat(10_000))
  await until(() => seen.text.length === 10_000, 'all of it')
  expect(performance.now() - startedAt).toBeGreaterThan(450)
})

describe('reset', () => {
  test('tears down existing connections', async () => {
    const { seen, send } = await client()
    send('a')
    await until(() => seen.text === 'a', 'the echo')
    proxy.set({ kind: 'reset' })
    await until(() => seen.closed, 'the reset')
    expect(seen.code).toBe('ECONNRESET')
    expect(proxy.connections).toBe(0)
  })

  test('tears down new connections, until it ends', async () => {
    proxy.set({ kind: 'reset' })
    const refused = connect(proxy.port, '127.0.0.1')
    expect(await failureOf(refused)).toBe('ECONNRESET')
    proxy.set({ kind: 'pass' })
    const { seen, send } = await client()
    send('a')
    await until(() => seen.text === 'a', 'the echo')
    expect(received).toBe('a')
  })
})

describe('a black hole', () => {
  test('lets nothing through, and keeps connections open', async () => {
    const before = await client()
    before.send('a')
    await until(() => before.seen.text === 'a', 'the echo')
    proxy.set({ kind: 'blackhole' })
    before.send('b')
    const during = await client()
    during.send('c')
    await delay(100)
    expect(received).toBe('a')
    expect(before.seen).toEqual({ text: 'a', code: undefined, closed: false })
    expect(during.seen).toEqual({ text: '', code: undefined, closed: false })
  })

  test('delivers what it held when it ends', async () => {
    const { seen, send } = await client()
    proxy.set({ kind: 'blackhole' })
    send('late')
    await delay(20)
    proxy.set({ kind: 'pass' })
    await until(() => seen.text === 'late', 'the echo')
  })

  test('hides that the server is gone until it ends', async () => {
    const { seen, send } = await client()
    send('a')
    await until(() => seen.text === 'a', 'the echo')
    proxy.set({ kind: 'blackhole' })
    for (const socket of sockets)
      if (socket.localPort === (server.address() as AddressInfo).port) socket.resetAndDestroy()
    await delay(50)
    expect(seen.closed).toBe(false)
    proxy.set({ kind: 'pass' })
    await until(() => seen.closed, 'the reset')
  })

  test('holds back a reply in transit', async () => {
    const { seen, send } = await client()
    proxy.set({ kind: 'delay', ms: 3_600_000 })
    send('a')
    await until(() => received === 'a', 'the command')
    proxy.set({ kind: 'blackhole' })
    await delay(100)
    expect(seen.text).toBe('')
    proxy.set({ kind: 'pass' })
    await until(() => seen.text === 'a', 'the reply')
  })
})

test('a redirection applies to new connections', async () => {
  const other = createServer((socket) => void socket.end('the other')).listen(0, '127.0.0.1')
  await once(other, 'listening')
  const before = await client()
  proxy.redirect({ port: (other.address() as AddressInfo).port })
  const after = await client()
  await until(() => after.seen.text === 'the other', 'the greeting')
  before.send('a')
  await until(() => before.seen.text === 'a', 'the echo')
  other.close()
})

test('an unreachable server resets the client', async () => {
  const nobody = createServer().listen(0, '127.0.0.1')
  await once(nobody, 'listening')
  const { port } = nobody.address() as AddressInfo
  nobody.close()
  await using before = await startFaultProxy({ port })
  expect(await failureOf(connect(before.port, '127.0.0.1'))).toBe('ECONNRESET')
})

async function failureOf(socket: Socket): Promise<string | undefined> {
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
  return error.code
}
