import { createServer as createHttpServer } from 'node:http'
import { connect } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { HerdgateError } from '../../src/errors.ts'
import type { Clock } from '../../src/model.ts'
import type { OriginOptions, PoolOrigin } from '../../src/origin/pool-origin.ts'
import { selfSigned } from '../support/certificate.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { freePort } from '../support/redis.ts'
import { codeOf, get, originOf, textOf } from '../support/origin-calls.ts'
import { deadPort, listen, ok, type RawOrigin, type RawRequest, rawOrigin } from '../support/raw-origin.ts'
import { standstill, until } from '../support/waiting.ts'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const thing of open.splice(0).toReversed()) await thing.close()
})

function opened(urls: string | string[], options: Partial<OriginOptions> = {}, clock?: Clock): PoolOrigin {
  const origin = originOf(urls, options, clock)
  open.push({ close: () => origin.close(AbortSignal.abort()) })
  return origin
}

async function served(
  onRequest: (request: RawRequest) => void,
  options: Partial<OriginOptions> = {},
): Promise<[PoolOrigin, RawOrigin]> {
  const server = await rawOrigin(onRequest)
  open.push(server)
  return [opened(server.url, options), server]
}

const nothingHeld = { inFlight: 0, queued: 0 }

// How origins misbehave.

const dripHead = ({ socket }: RawRequest) => {
  socket.write('HTTP/1.1 200 OK\r\n')
  const timer = setInterval(() => socket.write('X: y\r\n'), 10)
  socket.on('close', () => clearInterval(timer))
}

const dripContent = ({ socket }: RawRequest) => {
  socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n')
  let sent = 0
  const timer = setInterval(() => {
    socket.write('x')
    if (++sent === 10) clearInterval(timer)
  }, 100)
}

const dripWithoutEnd = ({ socket }: RawRequest) => {
  socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n')
  const timer = setInterval(() => socket.write('x'), 10)
  socket.once('close', () => clearInterval(timer))
}

const reset = (bytes: string) => (request: RawRequest) =>
  request.socket.write(bytes, () => setImmediate(() => request.socket.resetAndDestroy()))
const end = (bytes: string) => (request: RawRequest) => request.socket.end(bytes)

/** Answers the first request of each connection; closes at the second, like a server whose idle timeout just passed. */
const closesOnSecond =
  (how: 'end' | 'resetAndDestroy') =>
  ({ socket, turn }: RawRequest) =>
    turn === 0 ? void socket.write(ok()) : void socket[how]()

const standStill = (ms: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

describe('connecting', () => {
  test('fails with origin_refused when nobody listens, and the message names the address', async () => {
    const port = await deadPort()
    const error = await opened(`http://127.0.0.1:${port}`)
      .fetch(get())
      .catch((error: unknown) => error)
    expect(error).toBeInstanceOf(HerdgateError)
    expect(error).toMatchObject({ code: 'origin_refused', message: expect.stringContaining(`127.0.0.1:${port}`) })
  })

  test('fails with origin_refused when the name is unknown', async () => {
    expect(await codeOf(opened('http://nobody.invalid').fetch(get()))).toBe('origin_refused')
  })

  test('fails with origin_timeout when the TLS handshake never ends', async () => {
    const [, server] = await served(() => {})
    const origin = opened(`https://127.0.0.1:${server.port}`, { connectTimeout: 60 })
    expect(await codeOf(origin.fetch(get()))).toBe('origin_timeout')
    await until(() => server.sockets[0]?.destroyed === true)
    expect(origin.usage()).toEqual(nothingHeld)
  })

  test('does not time out because the process was blocked for longer than connectTimeout', async () => {
    const [origin] = await served(({ socket }) => socket.write(ok()), { connectTimeout: 1_000 })
    const answer = origin.fetch(get())
    for (let tick = 0; tick < 10; tick++) await new Promise<void>((resolve) => process.nextTick(resolve)) // it dials
    const until = performance.now() + 2_000
    while (performance.now() < until);
    expect(await textOf(await answer)).toBe('ok')
  })

  test('does not time out because the process was blocked until just after connectTimeout', async () => {
    const server = await rawOrigin(({ socket }) => socket.write(ok()))
    open.push(server)
    const connectTimeout = 100
    const stalling: Clock = {
      ...systemClock,
      after(delayMs, run) {
        const cancel = systemClock.after(delayMs, run)
        if (delayMs === connectTimeout) standStill(connectTimeout + 10)
        return cancel
      },
    }
    const origin = opened(server.url, { connectTimeout }, stalling)
    await new Promise((resolve) => setImmediate(resolve)) // after which timers run before sockets
    expect(await textOf(await origin.fetch(get()))).toBe('ok')
  })

  /** The caller leaves during the TLS handshake. @returns the origin, once the connection is closed */
  async function givenUp(): Promise<RawOrigin> {
    const [, server] = await served(() => {})
    const origin = opened(`https://127.0.0.1:${server.port}`)
    const controller = new AbortController()
    const answer = codeOf(origin.fetch(get(), controller.signal))
    await until(() => server.sockets.length === 1)
    controller.abort()
    expect(await answer).toBe('client_gone')
    await until(() => server.sockets[0]?.destroyed === true)
    return server
  }

  test('is given up at once when the caller leaves', async () => {
    await givenUp()
  })

  test('is not tried again for a caller that has left', async () => {
    const server = await givenUp()
    const next = connect({ port: server.port, host: '127.0.0.1' })
    open.push({ close: async () => next.destroy() })
    await until(() =>
      server.sockets.some(({ remotePort }) => remotePort !== undefined && remotePort === next.localPort),
    )
    expect(server.sockets).toHaveLength(2)
  })
})

describe('a URL that refuses', () => {
  test('passes the request, its content unread, to the next, and is tried last until it has cooled down', async () => {
    const [, server] = await served(({ socket }) => socket.write(ok()))
    const [, second] = await served(({ socket }) => socket.write(ok()))
    const dead = `http://127.0.0.1:${await deadPort()}`
    const origin = opened([dead, server.url, second.url])
    const body = Readable.from([Buffer.from('abc')])
    const response = await origin.fetch(get('/first', { method: 'POST', fields: ['Content-Length', '3'], body }))
    expect(await textOf(response)).toBe('ok')
    expect(server.requests.map(({ rest }) => rest.toString())).toEqual(['abc'])
    for (let n = 0; n < 6; n++) await textOf(await origin.fetch(get()))
    expect(server.requests.length + second.requests.length).toBe(7)
    expect(second.requests.length).toBeGreaterThan(0)
  })

  test('is not tried again while it cools down, even when its turn comes', async () => {
    const [, slow] = await served(() => {})
    const [, server] = await served(({ socket }) => socket.write(ok()))
    const slowed = { ...systemClock, now: () => systemClock.now() / 20 } // keeps a slow machine within the cool-down
    const origin = opened([`https://127.0.0.1:${slow.port}`, server.url], { connectTimeout: 50 }, slowed)
    for (let n = 0; n < 6; n++) expect(await textOf(await origin.fetch(get()))).toBe('ok')
    expect([slow.sockets.length, server.requests.length]).toEqual([1, 6])
  })

  test('takes turns again as soon as it has answered the request that tries it', async () => {
    const port = await freePort()
    const [, second] = await served(({ socket }) => socket.write(ok()))
    let cooledDownMs = 0
    const clock = { ...systemClock, now: () => systemClock.now() + cooledDownMs }
    const origin = opened([`http://127.0.0.1:${port}`, second.url], {}, clock)
    await textOf(await origin.fetch(get()))
    const restarted = createHttpServer((_, response) => response.end('back'))
    await new Promise<void>((resolve) => restarted.listen(port, '127.0.0.1', resolve))
    open.push({ close: async () => restarted.close() })
    cooledDownMs = 2_000
    const texts: string[] = []
    for (let n = 0; n < 4; n++) texts.push(await textOf(await origin.fetch(get())))
    expect(texts).toEqual(['ok', 'back', 'ok', 'back'])
  })

  test('is tried by the next request, and by no other, if the client of the one that tried it has left', async () => {
    const [, silent] = await served(() => {})
    const [, server] = await served(({ socket }) => socket.write(ok()))
    const clock = new FakeClock()
    const origin = opened([`https://127.0.0.1:${silent.port}`, server.url], { connectTimeout: 500 }, clock)
    const first = origin.fetch(get())
    await until(() => silent.sockets.length === 1)
    await clock.advance(500)
    await textOf(await first)
    await clock.advance(2_000)
    await textOf(await origin.fetch(get()))
    const leaving = new AbortController()
    const left = codeOf(origin.fetch(get(), leaving.signal))
    await until(() => silent.sockets.length === 2)
    leaving.abort()
    expect(await left).toBe('client_gone')
    await clock.advance(1_500)
    const answers = Array.from({ length: 6 }, () => origin.fetch(get()))
    await until(() => silent.sockets.length > 2)
    await clock.advance(500)
    for (const answer of answers) expect(await textOf(await answer)).toBe('ok')
    expect(silent.sockets).toHaveLength(3)
  })

  test('passes OPTIONS * to the next', async () => {
    const [, server] = await served(({ socket }) => socket.end(ok()))
    const origin = opened([`http://127.0.0.1:${await deadPort()}`, server.url])
    expect(await textOf(await origin.fetch(get('*', { method: 'OPTIONS' })))).toBe('ok')
    expect(origin.usage()).toEqual(nothingHeld)
  })

  test('makes OPTIONS * fail if all others refuse too', async () => {
    const origin = opened([`http://127.0.0.1:${await deadPort()}`, `http://127.0.0.1:${await deadPort()}`])
    expect(await codeOf(origin.fetch(get('*', { method: 'OPTIONS' })))).toBe('origin_refused')
    expect(origin.usage()).toEqual(nothingHeld)
  })

  test('makes the fetch fail if all others refuse too, after one try each', async () => {
    const urls = [`http://127.0.0.1:${await deadPort()}`, `http://127.0.0.1:${await deadPort()}`]
    const origin = opened(urls)
    expect(await codeOf(origin.fetch(get()))).toBe('origin_refused')
    expect(origin.usage()).toEqual(nothingHeld)
  })

  test('does not affect URLs that answer: they take turns', async () => {
    const [, first] = await served(({ socket }) => socket.write(ok()))
    const [, second] = await served(({ socket }) => socket.write(ok()))
    const origin = opened([first.url, second.url])
    for (let n = 0; n < 4; n++) await textOf(await origin.fetch(get()))
    expect([first.requests.length, second.requests.length]).toEqual([2, 2])
  })
})

describe('the head of a response', () => {
  test('is origin_timeout if it is not complete within headersTimeout, even if it drips', async () => {
    const [silent, server] = await served(() => {}, { headersTimeout: 60 })
    expect(await codeOf(silent.fetch(get()))).toBe('origin_timeout')
    await until(() => server.sockets[0]?.destroyed === true)
    const [dripping] = await served(dripHead, { headersTimeout: 80 })
    expect(await codeOf(dripping.fetch(get()))).toBe('origin_timeout')
    expect(dripping.usage()).toEqual(nothingHeld)
  })

  test('may take longer than headersTimeout while the client has yet to send its first octet', async () => {
    const clock = new FakeClock()
    const server = await rawOrigin(({ socket, head }) => {
      if (head.includes('/answered')) socket.write(ok())
    })
    open.push(server)
    const headersTimeout = 1_000
    const origin = opened(server.url, { headersTimeout }, clock)
    const postLate = async (target: string) => {
      const body = new PassThrough()
      const outcome = codeOf(origin.fetch(get(target, { method: 'POST', body })))
      await until(() => body.listenerCount('readable') > 0)
      await clock.advance(3 * headersTimeout)
      body.end('late')
      return { outcome }
    }
    expect(await (await postLate('/answered')).outcome).toBe('fulfilled')
    const silent = await postLate('/silent')
    await until(() => server.requests.length === 2)
    await clock.advance(headersTimeout)
    expect(await silent.outcome).toBe('origin_timeout')
  })

  test.each([
    ['a reset before it', (request: RawRequest) => request.socket.resetAndDestroy()],
    ['a close before it', (request: RawRequest) => request.socket.end()],
    [
      'a reset within it',
      ({ socket }: RawRequest) => socket.write('HTTP/1.1 200 OK\r\nA:', () => socket.resetAndDestroy()),
    ],
    ['a close within it', ({ socket }: RawRequest) => socket.end('HTTP/1.1 200 OK\r\nA: b\r\n')],
  ])('%s is origin_reset, without another try on a fresh connection', async (_what, onRequest) => {
    const [origin, server] = await served(onRequest)
    expect(await codeOf(origin.fetch(get()))).toBe('origin_reset')
    expect(server.requests).toHaveLength(1)
    expect(origin.usage()).toEqual(nothingHeld)
  })

  test.each([
    ['something other than HTTP', 'SSH-2.0-OpenSSH\r\n\r\n'],
    ['a status that is not a number', 'HTTP/1.1 abc\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 99\r\n\r\n'],
    ['a field without a colon', 'HTTP/1.1 200 OK\r\nnonsense\r\n\r\n'],
    ['a field name with a space', 'HTTP/1.1 200 OK\r\nA B: c\r\n\r\n'],
    ['a NUL in a value', 'HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc'],
    ['length and coding', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
    [
      'an unsolicited change of protocol',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    ],
    ['a head without end', `HTTP/1.1 200 OK\r\n${'X-Filler: abcdefghijklmnopqrstuvwxyz\r\n'.repeat(4_000)}`],
    ['more interim responses than allowed', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(65)],
  ])('%s is origin_invalid, and the connection is closed', async (_what, bytes) => {
    const [origin, server] = await served(({ socket }) => socket.write(bytes, 'latin1'))
    expect(await codeOf(origin.fetch(get()))).toBe('origin_invalid')
    await until(() => server.sockets[0]?.destroyed === true)
    expect(server.requests).toHaveLength(1)
    expect(origin.usage()).toEqual(nothingHeld)
  })

  test('may follow as many interim responses as are allowed', async () => {
    const [origin] = await served(({ socket }) => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(64) + ok()))
    let interim = 0
    expect((await origin.fetch(get('/', { onInterim: () => interim++ }))).status).toBe(200)
    expect(interim).toBe(64)
  })
})

describe('content of a response', () => {
  const LENGTH = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'
  const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'
  const CLOSING = 'HTTP/1.1 200 OK\r\nConnection: close\r\n'

  test.each([
    ['closed before its full length', end(LENGTH)],
    ['closed before its full length as announced', end(LENGTH.replace('HTTP/1.1 200 OK\r\n', CLOSING))],
    ['closed between chunks', end(CHUNKED)],
    ['closed within a chunk', end(`${CHUNKED}9\r\nxy`)],
    ['closed between chunks as announced', end(CHUNKED.replace('HTTP/1.1 200 OK\r\n', CLOSING))],
    ['closed before the end of the trailer section', end(`${CHUNKED}0\r\nX-Sum: 1\r\n`)],
    ['reset before its full length', reset(LENGTH)],
    ['reset between chunks', reset(CHUNKED)],
    ['reset where the close would have been its end', reset(`${CLOSING}\r\nabc`)],
  ])('%s is origin_reset', async (_how, onRequest) => {
    const [origin] = await served(onRequest)
    const response = await origin.fetch(get())
    const received: Uint8Array[] = []
    const read = async () => {
      for await (const chunk of response.body) received.push(chunk)
    }
    expect(await codeOf(read())).toBe('origin_reset')
    expect(Buffer.concat(received).toString()).toMatch(/^abc/)
    expect(origin.usage()).toEqual(nothingHeld)
  })

  test('broken off while nobody was reading is origin_reset', async () => {
    const [origin] = await served(reset(LENGTH))
    const response = await origin.fetch(get())
    await until(() => origin.usage().inFlight === 0)
    expect(await codeOf(textOf(response))).toBe('origin_reset')
  })

  test('delimited by the close ends well with the close', async () => {
    const [origin] = await served(end(`${CLOSING}\r\nabc`))
    expect(await textOf(await origin.fetch(get()))).toBe('abc')
  })

  test('with an invalid chunk size is origin_invalid', async () => {
    const [origin] = await served(({ socket }) => socket.write(`${CHUNKED}zz\r\n`))
    expect(await codeOf(textOf(await origin.fetch(get())))).toBe('origin_invalid')
  })

  test('that is silent for longer than bodyTimeout is origin_timeout', async () => {
    const [origin, server] = await served(({ socket }) => socket.write(LENGTH), { bodyTimeout: 60 })
    const response = await origin.fetch(get())
    expect(await codeOf(textOf(response))).toBe('origin_timeout')
    await until(() => server.sockets[0]?.destroyed === true)
  })

  test('may be silent while the client has yet to send what the origin answers to', async () => {
    const clock = new FakeClock()
    const server = createHttpServer((request, response) => {
      response.flushHeaders()
      if (request.url === '/echo') request.pipe(response)
    })
    const bodyTimeout = 1_000
    const origin = opened(`http://127.0.0.1:${await listen(server)}`, { bodyTimeout }, clock)
    open.push({ close: async () => server.close() })
    const uploaded = async (target: string) => {
      const body = new PassThrough()
      body.write('a')
      const response = await origin.fetch(get(target, { method: 'POST', body }))
      let isOver = false
      const outcome = codeOf(textOf(response)).finally(() => {
        isOver = true
      })
      await until(() => body.readableLength === 0)
      await clock.advance(3 * bodyTimeout)
      body.end('b')
      await until(() => body.readableEnded || isOver)
      return { outcome }
    }
    expect(await (await uploaded('/echo')).outcome).toBe('fulfilled')
    const silent = await uploaded('/silent')
    await clock.advance(bodyTimeout)
    expect(await silent.outcome).toBe('origin_timeout')
  })

  test('may be silent while nobody reads it, even if the upload goes on', async () => {
    const clock = new FakeClock()
    const much = 32 * 2 ** 20
    const server = await rawOrigin(({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${much}\r\n\r\n`)
      socket.write(Buffer.alloc(much))
    })
    const bodyTimeout = 1_000
    const origin = opened(server.url, { bodyTimeout }, clock)
    open.push(server)
    const body = new PassThrough()
    body.write('a')
    const response = await origin.fetch(get('/', { method: 'POST', body }))
    await standstill(() => (server.sockets[0]?.bytesWritten ?? 0) - (server.sockets[0]?.writableLength ?? 0))
    body.end('b')
    await until(() => body.readableEnded)
    await clock.advance(3 * bodyTimeout)
    expect((await textOf(response)).length).toBe(much)
  })

  test('in small steps may take longer than bodyTimeout in all', async () => {
    const [origin] = await served(dripContent, { bodyTimeout: 600 })
    expect(await textOf(await origin.fetch(get()))).toBe('xxxxxxxxxx')
  })

  test.each([get(), get('*', { method: 'OPTIONS' })])(
    'in endless small steps is origin_timeout after totalTimeout: $method $target',
    async (request) => {
      const [origin, server] = await served(dripWithoutEnd, { bodyTimeout: 600, totalTimeout: 100 })
      const response = await origin.fetch(request)
      expect(await codeOf(textOf(response))).toBe('origin_timeout')
      await until(() => server.sockets[0]?.destroyed === true)
    },
  )

  test.each([get(), get('*', { method: 'OPTIONS' })])(
    'that nobody reads is origin_timeout after totalTimeout: $method $target',
    async (request) => {
      const much = ({ socket }: RawRequest) => socket.write(ok('x'.repeat(32 * 2 ** 20)))
      const [origin, server] = await served(much, { bodyTimeout: 50, totalTimeout: 200 })
      const response = await origin.fetch(request)
      await until(() => server.sockets[0]?.destroyed === true)
      expect(await codeOf(textOf(response))).toBe('origin_timeout')
    },
  )
})

describe('octets nobody asked for', () => {
  test('after a response never become the answer to the next request', async () => {
    const [origin, server] = await served(({ socket, turn }) =>
      socket.write(turn === 0 ? ok('good') + ok('evil') : ok('good')),
    )
    for (let n = 0; n < 5; n++) expect(await textOf(await origin.fetch(get()))).toBe('good')
    expect(server.sockets.length).toBeGreaterThan(1)
  })

  test('after the answer to HEAD, or after 204 and 304, never do either', async () => {
    const evil = ok('evil')
    const [origin] = await served(({ socket, head }) => {
      if (head.startsWith('HEAD')) socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${evil.length}\r\n\r\n${evil}`)
      else if (head.includes('/204')) socket.write(`HTTP/1.1 204 No Content\r\n\r\n${evil}`)
      else if (head.includes('/304')) socket.write(`HTTP/1.1 304 Not Modified\r\nContent-Length: 40\r\n\r\n${evil}`)
      else socket.write(ok('good'))
    })
    for (const request of [get('/', { method: 'HEAD' }), get('/204'), get('/304')]) {
      expect(await textOf(await origin.fetch(request))).toBe('')
      expect(await textOf(await origin.fetch(get()))).toBe('good')
    }
  })
})

describe('an idle connection that the origin closes as the next request goes out', () => {
  test.each(['end', 'resetAndDestroy'] as const)(
    'by %s does not fail a safe request: it is sent once more',
    async (how) => {
      for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'REPORT', 'SEARCH']) {
        const [origin, server] = await served(closesOnSecond(how))
        await textOf(await origin.fetch(get('/first')))
        await until(() => origin.usage().inFlight === 0)
        await new Promise((resolve) => setImmediate(resolve))
        await textOf(await origin.fetch(get('/second', { method })))
        expect(server.requests.map(({ head, connection }) => [head.split(' ')[1], connection])).toEqual([
          ['/first', 0],
          ['/second', 0],
          ['/second', 1],
        ])
      }
    },
  )

  test.each(['end', 'resetAndDestroy'] as const)(
    'by %s does not fail a QUERY whose content can be produced again',
    async (how) => {
      let sentAgain = ''
      const [origin, server] = await served((request) => {
        closesOnSecond(how)(request)
        if (request.connection === 0) return
        sentAgain += request.rest.toString()
        request.socket.on('data', (chunk) => (sentAgain += String(chunk)))
      })
      await textOf(await origin.fetch(get('/first')))
      await new Promise((resolve) => setImmediate(resolve))
      const bodyAgain = () => Readable.from([Buffer.from('what?')])
      const fields = ['Content-Length', '5']
      await textOf(await origin.fetch(get('/second', { method: 'QUERY', fields, body: bodyAgain(), bodyAgain })))
      expect(server.requests.map(({ connection }) => connection)).toEqual([0, 0, 1])
      await until(() => sentAgain === 'what?')
    },
  )

  test.each(['POST', 'PUT', 'DELETE', 'PATCH'])('fails %s, which is never sent twice', async (method) => {
    const [origin, server] = await served(closesOnSecond('end'))
    await textOf(await origin.fetch(get('/first')))
    await new Promise((resolve) => setImmediate(resolve))
    expect(await codeOf(origin.fetch(get('/second', { method })))).toBe('origin_reset')
    expect(server.requests).toHaveLength(2)
  })

  test.each(['QUERY', 'GET'])('fails a %s whose content cannot be produced again', async (method) => {
    const [origin, server] = await served(closesOnSecond('end'))
    await textOf(await origin.fetch(get('/first')))
    await new Promise((resolve) => setImmediate(resolve))
    const asked = get('/second', { method, fields: ['Content-Length', '1'], body: Readable.from([Buffer.from('x')]) })
    expect(await codeOf(origin.fetch(asked))).toBe('origin_reset')
    expect(server.requests).toHaveLength(2)
  })

  test('does not fail a safe request even if all other idle connections have gone as well', async () => {
    const [origin, server] = await served(closesOnSecond('resetAndDestroy'))
    const first = await Promise.all(Array.from({ length: 4 }, () => origin.fetch(get('/first'))))
    await Promise.all(first.map(textOf))
    await new Promise((resolve) => setImmediate(resolve))
    for (let n = 0; n < 4; n++) expect(await textOf(await origin.fetch(get('/second')))).toBe('ok')
    expect(server.sockets).toHaveLength(8)
  })

  test('leads to one retry, not to several', async () => {
    const [origin, server] = await served(({ socket, head }) => {
      if (head.includes('/second')) socket.end()
      else socket.write(ok())
    })
    // Opens several connections, all of which are then idle.
    const first = await Promise.all(Array.from({ length: 4 }, () => origin.fetch(get('/first'))))
    await Promise.all(first.map(textOf))
    await new Promise((resolve) => setImmediate(resolve))
    expect(await codeOf(origin.fetch(get('/second')))).toBe('origin_reset')
    expect(server.requests.filter(({ head }) => head.includes('/second'))).toHaveLength(2)
  })

  test('and has closed before that is written, fails no request, whatever the method', async () => {
    const [origin, server] = await served(({ socket }) => socket.write(ok()))
    await textOf(await origin.fetch(get('/first')))
    await new Promise((resolve) => setImmediate(resolve))
    server.sockets[0]?.resetAndDestroy()
    const response = await origin.fetch(get('/second', { method: 'POST' }))
    expect(await textOf(response)).toBe('ok')
    expect(server.requests.map(({ head }) => head.split(' ')[1])).toEqual(['/first', '/second'])
  })
})

describe('TLS', () => {
  const { key, cert } = selfSigned(['localhost', '127.0.0.1'])

  async function secure(): Promise<[RawOrigin, unknown[]]> {
    const names: unknown[] = []
    const server = await rawOrigin(
      ({ socket }) => socket.write(ok()),
      (onConnection) =>
        createTlsServer({ key, cert, ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => {
          names.push([Reflect.get(socket, 'servername'), socket.alpnProtocol])
          onConnection(socket)
        }),
    )
    open.push(server)
    return [server, names]
  }

  test('has the URL host, not that of the client, in SNI and Host, and keeps an HTTP/1.1 connection', async () => {
    const [server, names] = await secure()
    const origin = opened(`https://localhost:${server.port}`, { ca: cert })
    for (const host of ['a.example', 'b.example', 'c.example']) {
      expect(await textOf(await origin.fetch(get('/', { fields: ['Host', host] })))).toBe('ok')
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(names).toEqual([['localhost', 'http/1.1']])
    const own = `host: localhost:${server.port}`
    expect(server.requests.map(({ head }) => head.split('\r\n')[1])).toEqual([own, own, own])
  })

  test('to an address sends no SNI, and checks the certificate for the address', async () => {
    const [server, names] = await secure()
    const origin = opened(`https://127.0.0.1:${server.port}`, { ca: cert })
    for (const host of ['a.example', 'b.example']) {
      expect(await textOf(await origin.fetch(get('/', { fields: ['Host', host] })))).toBe('ok')
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(names).toEqual([[false, 'http/1.1']])
  })

  test('with a certificate that is not trusted, or for another name, is origin_refused', async () => {
    const [server] = await secure()
    expect(await codeOf(opened(`https://localhost:${server.port}`).fetch(get()))).toBe('origin_refused')
    const other = selfSigned(['other.example'])
    const elsewhere = await rawOrigin(
      () => {},
      (onConnection) => createTlsServer(other, onConnection),
    )
    open.push(elsewhere)
    const origin = opened(`https://localhost:${elsewhere.port}`, { ca: other.cert })
    expect(await codeOf(origin.fetch(get()))).toBe('origin_refused')
  })
})
