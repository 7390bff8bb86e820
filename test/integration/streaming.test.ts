import { once } from 'node:events'
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import net from 'node:net'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { WITHOUT_COMPILE_CACHE } from '../support/compile-cache.ts'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { get, type Origin, startOrigin } from '../support/http.ts'
import { gate, standstill, until } from '../support/waiting.ts'

const MIB = 2 ** 20
const GIB = 2 ** 30

let origin: Origin
let herdgate: Herdgate

async function start(handler: RequestListener, flags: string[] = []): Promise<void> {
  origin = await startOrigin(handler)
  herdgate = await startHerdgate(['--origin', origin.url, '--log-level', 'warn', ...flags], WITHOUT_COMPILE_CACHE)
}

afterEach(async () => {
  await herdgate.stop()
  await origin.kill().catch(() => {})
})

/** Writes a GiB as fast as it is read. */
const gibibyte: RequestListener = (_request, response) => {
  response.writeHead(200, { 'Cache-Control': 'max-age=60', 'Content-Length': String(GIB) })
  const chunk = Buffer.alloc(256 * 1024)
  const source = Readable.from(
    (function* () {
      for (let sent = 0; sent < GIB; sent += chunk.length) yield chunk
    })(),
  )
  pipeline(source, response).catch(() => {})
}

describe('a body larger than memory allows', () => {
  test('1 GiB goes through with less than 96 MiB of memory', async () => {
    await start(gibibyte)
    await get(`${herdgate.url}/warm-up`, { method: 'HEAD' })
    const before = herdgate.rss()
    let most = before
    let received = 0
    const request = http.get(`${herdgate.url}/large`)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    for await (const chunk of response) {
      received += (chunk as Buffer).length
      if (received % (64 * MIB) < 65_536) most = Math.max(most, herdgate.rss())
    }
    expect(received).toBe(GIB)
    expect((most - before) / MIB).toBeLessThan(96)
  })

  test('a client that stops reading holds up the origin instead of filling memory', async () => {
    await start(gibibyte)
    await get(`${herdgate.url}/warm-up`, { method: 'HEAD' })
    const before = herdgate.rss()
    const request = http.get(`${herdgate.url}/large`)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.pause()
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    expect((herdgate.rss() - before) / MIB).toBeLessThan(96)
    expect((await get(`${herdgate.url}/large`, { method: 'HEAD' })).status).toBe(200) // others are served
    response.destroy()
  })

  test('an upload is streamed to the origin, with back-pressure', async () => {
    const reading = gate()
    await start((request, response) => {
      const read = () => {
        let received = 0
        request.on('data', (chunk: Buffer) => {
          received += chunk.length
        })
        request.on('end', () => response.end(String(received)))
      }
      if (request.url === '/held') void reading.opened.then(read)
      else read()
    })
    const warmUp = upload('/warm-up', 32)
    expect(await warmUp.answer).toBe(String(32 * MIB))
    const before = herdgate.rss()
    const held = upload('/held', 256)
    await standstill(held.taken)
    expect(held.taken() / MIB).toBeLessThan(64) // what the buffers of two connections hold
    reading.open()
    expect(await held.answer).toBe(String(256 * MIB))
    expect((herdgate.rss() - before) / MIB).toBeLessThan(48)
  })
})

/** An upload that is sent as fast as it is taken. */
function upload(path: string, mebibytes: number) {
  const chunk = Buffer.alloc(MIB)
  let taken = 0
  const source = function* () {
    for (; taken < mebibytes * MIB; taken += chunk.length) yield chunk
  }
  const request = http.request(herdgate.url + path, { method: 'PUT' })
  const answered = once(request, 'response') as Promise<[IncomingMessage]>
  const sent = pipeline(Readable.from(source(), { highWaterMark: 1 }), request)
  const answer = Promise.all([answered, sent]).then(async ([[response]]) =>
    Buffer.concat(await response.toArray()).toString(),
  )
  return { taken: () => taken, answer }
}

/** What has arrived so far of an answer that has begun. */
async function reading(url: string) {
  const [response] = (await once(http.get(url), 'response')) as [IncomingMessage]
  const read = { text: '', ended: false, cacheStatus: String(response.headers['cache-status']) }
  response.setEncoding('utf8').on('data', (text: string) => (read.text += text))
  response.once('end', () => (read.ended = true))
  return read
}

describe('a response that drips', () => {
  test('sends its first byte at once, to clients that join in the middle too', async () => {
    let drip: ServerResponse | undefined
    await start((_request, response) => {
      response.writeHead(200, { 'Cache-Control': 'max-age=60' })
      response.write('first ')
      drip = response
    })
    const [leader, joined] = [await reading(`${herdgate.url}/drip`), await reading(`${herdgate.url}/drip`)]
    await until(() => [leader, joined].every(({ text }) => text === 'first '), 'what has arrived')
    expect([leader.ended, joined.ended]).toEqual([false, false])
    drip?.end('last')
    await until(() => [leader, joined].every(({ text, ended }) => ended && text === 'first last'), 'all of it')
    expect(joined.cacheStatus).toContain('collapsed')
    expect(origin.hits()).toBe(1)
  })

  test('and breaks off reaches the client as broken, and is not stored', async () => {
    let whole = false
    await start((_request, response) => {
      response.writeHead(200, { 'Cache-Control': 'max-age=60', 'Content-Length': '10' })
      if (whole) response.end('0123456789')
      else {
        response.write('01234')
        setTimeout(() => response.destroy(), 100)
      }
    })
    await expect(get(`${herdgate.url}/broken`)).rejects.toThrow()
    whole = true
    expect(await get(`${herdgate.url}/broken`)).toMatchObject({ status: 200, body: '0123456789' })
    expect((await get(`${herdgate.url}/broken`)).cacheStatus).toContain('hit')
  })

  test('and breaks off has no clean end, even if it is chunked', async () => {
    await start((_request, response) => {
      response.writeHead(200, { 'Cache-Control': 'max-age=60' })
      response.write('some of it')
      setTimeout(() => response.destroy(), 100)
    })
    await expect(get(`${herdgate.url}/broken`)).rejects.toThrow()
  })
})

describe('what goes through untouched', () => {
  test('early hints come before the answer, trailers after it', async () => {
    await start((_request, response) => {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' })
      response.writeHead(200, { Trailer: 'X-Sum' })
      response.write('body')
      response.addTrailers({ 'X-Sum': '42', 'Surrogate-Key': 'a', 'cache-tag': 'b' })
      response.end()
    })
    const request = http.get(`${herdgate.url}/hints`)
    const hints: string[] = []
    request.on('information', (info) => hints.push(`${info.statusCode} ${info.headers.link}`))
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    expect(Buffer.concat(await response.toArray()).toString()).toBe('body')
    expect(hints).toEqual(['103 </a.css>; rel=preload'])
    expect(response.trailers).toEqual({ 'x-sum': '42' })
  })

  test('every method that can be parsed', async () => {
    await start((request, response) => response.writeHead(200, { 'X-Method': request.method }).end(request.method))
    for (const method of http.METHODS.filter((name) => name !== 'CONNECT' && name !== 'HEAD')) {
      const answer = await get(`${herdgate.url}/m`, { method, ...(method === 'POST' && { body: 'x' }) })
      expect(answer).toMatchObject({ status: 200, body: method })
    }
  })

  test('a path with odd but legal bytes arrives as it was sent', async () => {
    await start((request, response) => response.end(request.url))
    for (const path of ['//a//b', '/a/../b', '/%zz', '/a%2fb', '/?', '/a;b=c?x[]=1&y', '/%61']) {
      const { port } = new URL(herdgate.url)
      const socket = net.connect(Number(port), '127.0.0.1')
      socket.write(`GET ${path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`)
      const received = Buffer.concat(await socket.toArray()).toString()
      expect(received.slice(received.indexOf('\r\n\r\n') + 4)).toContain(path)
    }
  })

  test('a WebSocket connection, byte for byte in both directions', async () => {
    await start((_request, response) => response.end())
    origin.server.on('upgrade', (_request, socket) => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
      )
      socket.pipe(socket)
    })
    const { port } = new URL(herdgate.url)
    const socket = net.connect(Number(port), '127.0.0.1')
    socket.write(
      'GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n',
    )
    let received = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk
    })
    await until(() => received.includes('\r\n\r\n'), 'the handshake')
    expect(received).toMatch(/^HTTP\/1.1 101 /)
    socket.write('\x81\x05hello', 'latin1')
    await until(() => received.endsWith('\x81\x05hello'), 'the echo')
    socket.destroy()
  })
})
