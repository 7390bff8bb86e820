import { createServer, type IncomingMessage } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { OriginResponse } from '../../src/model.ts'
import type { PoolOrigin } from '../../src/origin/pool-origin.ts'
import { codeOf, get, originOf, textOf } from '../support/origin-calls.ts'
import { listen, ok, type RawOrigin, type RawRequest, rawOrigin } from '../support/raw-origin.ts'
import { gate, standstill, until } from '../support/waiting.ts'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const thing of open.splice(0).toReversed()) await thing.close()
})

async function served(onRequest: (request: RawRequest) => void): Promise<[PoolOrigin, RawOrigin]> {
  const server = await rawOrigin(onRequest)
  const origin = originOf(server.url)
  open.push(server, { close: () => origin.close(AbortSignal.abort()) })
  return [origin, server]
}

describe('a request', () => {
  test('reaches the origin with Host, field names, order and duplicates as given, but framing of its own', async () => {
    const [origin, server] = await served(({ socket }) => socket.write(ok()))
    const fields = ['Host', 'Shop.Example:8080', 'X-One', 'a', 'x-TWO', 'b', 'X-One', 'ü', 'Keep-Alive', '5']
    const hops = ['Connection', 'close', 'Transfer-Encoding', 'chunked', 'Upgrade', 'h2c', 'Expect', '100-continue']
    const { method, target } = get('/a%2fb?q=%20')
    await textOf(await origin.fetch({ method, target, fields: [...fields, ...hops] }))
    expect(server.requests[0]?.head.split('\r\n')).toEqual([
      'GET /a%2fb?q=%20 HTTP/1.1',
      'host: Shop.Example:8080',
      'connection: keep-alive',
      'X-One: a',
      'x-TWO: b',
      'X-One: ü',
    ])
  })

  test('has the path of the origin URL prefixed to its target', async () => {
    const server = await rawOrigin(({ socket }) => socket.write(ok()))
    const origin = originOf(`${server.url}/v2/`)
    open.push(server, origin)
    await textOf(await origin.fetch(get('/items')))
    expect(server.requests[0]?.head).toMatch(/^GET \/v2\/items HTTP/)
  })

  test('whose target is not a path is refused, except OPTIONS for the whole origin', async () => {
    const [origin, server] = await served(({ socket }) => socket.write(ok('', 'Allow: GET\r\n')))
    expect(await codeOf(origin.fetch(get('http://evil.example/')))).toBe('malformed_request')
    expect(await codeOf(origin.fetch(get('*')))).toBe('malformed_request')
    expect(await codeOf(origin.fetch(get('')))).toBe('malformed_request')
    expect(await codeOf(origin.fetch(get('/', { method: 'CONNECT' })))).toBe('malformed_request')
    expect(await codeOf(origin.fetch(get('/a b')))).toBe('malformed_request')
    expect(await codeOf(origin.fetch(get('/', { fields: ['X', 'a\r\nInjected: b'] })))).toBe('malformed_request')
    const response = await origin.fetch(get('*', { method: 'OPTIONS' }))
    expect(response.fields).toEqual(['Allow', 'GET', 'Content-Length', '0'])
    expect(await textOf(response)).toBe('')
    expect(server.requests.map(({ head }) => head)).toEqual([
      'OPTIONS * HTTP/1.1\r\nHost: shop.example\r\nConnection: close',
    ])
    expect(origin.usage()).toEqual({ inFlight: 0, queued: 0 })
  })

  test('with a Content-Length keeps it, without one is sent chunked', async () => {
    const seen: { length: string | undefined; coding: string | undefined; content: string }[] = []
    const server = createServer((request, response) => {
      const receive = async () => {
        const content = await textOf({ body: request })
        seen.push({ length: request.headers['content-length'], coding: request.headers['transfer-encoding'], content })
        response.end()
      }
      void receive()
    })
    const origin = originOf(`http://localhost:${await listen(server)}`)
    open.push({ close: async () => server.close() }, origin)
    const post = (fields: string[]) =>
      origin.fetch({
        method: 'POST',
        target: '/',
        fields,
        body: Readable.from([Buffer.from('abc'), Buffer.from('de')]),
      })
    await textOf(await post(['Content-Length', '5']))
    await textOf(await post(['Transfer-Encoding', 'identity, chunked']))
    expect(seen).toEqual([
      { length: '5', coding: undefined, content: 'abcde' },
      { length: undefined, coding: 'chunked', content: 'abcde' },
    ])
    expect(await codeOf(post(['Content-Length', '4']))).toBe('malformed_request')
    expect(await codeOf(post(['Content-Length', '4', 'Content-Length', '5']))).toBe('malformed_request')
  })

  test('is taken from the client no faster than the origin reads it', async () => {
    let upload: IncomingMessage | undefined
    const server = createServer((request) => {
      upload = request.pause()
    })
    const origin = originOf(`http://127.0.0.1:${await listen(server)}`)
    open.push({ close: async () => server.close() }, { close: () => origin.close(AbortSignal.abort()) })
    let produced = 0
    const body = new Readable({
      read() {
        produced += 65_536
        this.push(Buffer.alloc(65_536))
      },
    })
    const controller = new AbortController()
    const answer = codeOf(origin.fetch(get('/', { method: 'POST', body }), controller.signal))
    await until(() => upload !== undefined)
    await standstill(() => produced)
    expect(produced).toBeLessThan(32 * 1024 * 1024)
    controller.abort()
    expect(await answer).toBe('client_gone')
  })

  test('is broken off when its client leaves, while an early answer leaves the client stream open', async () => {
    const [origin, server] = await served(({ socket, head }) => {
      if (head.includes('/early')) socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig')
    })
    const gone = new PassThrough()
    gone.write('a')
    const answer = codeOf(origin.fetch(get('/', { method: 'POST', body: gone })))
    await until(() => server.requests.length === 1)
    gone.destroy()
    expect(await answer).toBe('client_gone')

    const body = new PassThrough()
    body.write('a')
    const early = await origin.fetch(get('/early', { method: 'POST', body }))
    expect([early.status, await textOf(early)]).toEqual([413, 'big'])
    await until(() => server.sockets[1]?.destroyed === true)
    expect(body.destroyed).toBe(false)
    expect(body.listenerCount('readable') + body.listenerCount('close') + body.listenerCount('error')).toBe(
      new PassThrough().listenerCount('close') + new PassThrough().listenerCount('error'),
    )
    body.destroy()
  })

  /** An origin that answers as soon as the head is there, and closes while content is being sent. */
  async function refusedEarly(answer: string): Promise<OriginResponse> {
    const body = new PassThrough()
    const [origin] = await served(({ socket }) => {
      socket.write(answer)
      socket.resetAndDestroy()
      body.write('b') // to be sent before the answer has been read
    })
    body.write('a')
    return origin.fetch(get('/', { method: 'POST', body }))
  }

  test('gets its early answer although the rest of its content cannot be sent', async () => {
    const refusal = await refusedEarly('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig')
    expect([refusal.status, await textOf(refusal)]).toEqual([413, 'big'])
  })

  test('whose content cannot be sent gets no answer as complete that only the end of the connection ends', async () => {
    const refusal = await refusedEarly('HTTP/1.1 413 Content Too Large\r\n\r\nbi')
    expect(await codeOf(textOf(refusal))).toBe('origin_reset')
  })

  test('whose content cannot be sent fails if there is no answer', async () => {
    expect(await codeOf(refusedEarly(''))).toBe('origin_reset')
  })
})

describe('a response', () => {
  test('keeps names, order and duplicates of its field lines, and its trailers', async () => {
    const [origin] = await served(({ socket }) =>
      socket.write(
        'HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-Empty: \r\n' +
          'SET-COOKIE: b=2\r\nX-Byte: \xe9\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n' +
          '3\r\nabc\r\n0\r\nX-Sum: 9\r\nX-sum: 10\r\n\r\n',
        'latin1',
      ),
    )
    const response = await origin.fetch(get())
    expect(response.fields).toEqual(
      ['Set-Cookie', 'a=1', 'X-Empty', '', 'SET-COOKIE', 'b=2', 'X-Byte', '\xe9', 'Trailer', 'X-Sum'].concat(
        'Transfer-Encoding',
        'chunked',
      ),
    )
    expect(await textOf(response)).toBe('abc')
    expect(response.trailers()).toEqual(['X-Sum', '9', 'X-sum', '10'])
  })

  test('to HEAD, and with 204 or 304, has no content', async () => {
    const statuses = ['200 OK', '204 No Content', '304 Not Modified']
    const [origin] = await served(({ socket, head }) => {
      const status = statuses.find((status) => head.includes(status.slice(0, 3)))
      socket.write(`HTTP/1.1 ${status}\r\n${status?.startsWith('204') ? '' : 'Content-Length: 5\r\n'}\r\n`)
    })
    for (const [method, target] of [
      ['HEAD', '/200'],
      ['GET', '/204'],
      ['GET', '/304'],
    ] as const) {
      const response = await origin.fetch(get(target, { method }))
      expect([response.status, await textOf(response)]).toEqual([Number(target.slice(1)), ''])
    }
    expect(origin.usage().inFlight).toBe(0)
  })

  test('comes after its interim responses', async () => {
    const [origin] = await served(({ socket }) =>
      socket.write(
        `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nLink: </b.css>\r\n\r\n${ok()}`,
      ),
    )
    const interim: unknown[] = []
    const onInterim = (status: number, fields: readonly string[]) => interim.push([status, fields])
    const response = await origin.fetch(get('/', { onInterim }))
    expect(interim).toEqual([
      [102, []],
      [103, ['Link', '</a.css>', 'Link', '</b.css>']],
    ])
    expect(await textOf(response)).toBe('ok')
  })

  test('of 1 GiB streams through with flat memory', async () => {
    const size = 1024 * 1024 * 1024
    const block = Buffer.alloc(256 * 1024)
    const [origin] = await served(({ socket }) => {
      let left = size
      const write = () => {
        do left -= block.length
        while (socket.write(block) && left > 0)
        if (left > 0) socket.once('drain', write)
      }
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
      write()
    })
    let received = 0
    let peak = 0
    const before = process.memoryUsage().rss
    for await (const chunk of (await origin.fetch(get())).body) {
      received += chunk.length
      peak = Math.max(peak, process.memoryUsage.rss())
    }
    expect(received).toBe(size)
    expect(peak - before).toBeLessThan(192 * 1024 * 1024)
  })

  test('is taken from the origin no faster than it is read, and does not time out while nobody reads', async () => {
    let written = 0
    const server = await rawOrigin(({ socket }) => {
      const write = () => {
        do written += 65_536
        while (written < 256 * 1024 * 1024 && socket.write(Buffer.alloc(65_536)))
      }
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.on('drain', write)
      write()
    })
    const bodyTimeout = 500
    const origin = originOf(server.url, { bodyTimeout })
    open.push(server, { close: () => origin.close(AbortSignal.abort()) })
    const { body } = await origin.fetch(get())
    const reader = body[Symbol.asyncIterator]()
    await reader.next()
    await standstill(() => written)
    await new Promise((resolve) => setTimeout(resolve, 3 * bodyTimeout))
    expect(written).toBeLessThan(32 * 1024 * 1024)
    const wanted = 2 * written
    for (let read = 0; read < wanted; ) read += (await reader.next()).value?.length
    await reader.return?.()
    await until(() => server.sockets[0]?.destroyed === true)
    expect(origin.usage().inFlight).toBe(0)
  })
})

describe('an aborted signal', () => {
  test('closes the connection even if nobody reads the response', async () => {
    const [origin, server] = await served(({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.write(Buffer.alloc(8 * 1024 * 1024))
    })
    const controller = new AbortController()
    const response = await origin.fetch(get(), controller.signal)
    controller.abort()
    await until(() => server.sockets[0]?.destroyed === true)
    expect(await codeOf(textOf(response))).toBe('client_gone')
    expect(origin.usage()).toEqual({ inFlight: 0, queued: 0 })
  })

  test('ends the wait for a head, and the connection', async () => {
    const [origin, server] = await served(() => {})
    const controller = new AbortController()
    const answer = codeOf(origin.fetch(get(), controller.signal))
    await until(() => server.requests.length === 1)
    controller.abort()
    expect(await answer).toBe('client_gone')
    await until(() => server.sockets[0]?.destroyed === true)
  })

  test('before the request keeps it from being sent', async () => {
    const [origin, server] = await served(({ socket }) => socket.write(ok()))
    expect(await codeOf(origin.fetch(get(), AbortSignal.abort()))).toBe('client_gone')
    expect(await textOf(await origin.fetch(get('/second')))).toBe('ok')
    expect(server.requests).toHaveLength(1)
  })

  test('has no listeners left when the response has ended', async () => {
    const [origin] = await served(({ socket }) => socket.write(ok()))
    const { signal } = new AbortController()
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args))
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args))
    for (let n = 0; n < 20; n++) await textOf(await origin.fetch(get(), signal))
    expect(listeners).toBe(0)
  })
})

describe('connections', () => {
  test('are reused, and closed when a response is left unread', async () => {
    const [origin, server] = await served(({ socket, head }) => {
      if (head.includes('/long')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc')
      else socket.write(ok())
    })
    for (let n = 0; n < 20; n++) await textOf(await origin.fetch(get()))
    // Two alternate: undici reuses a connection only after a turn of the event loop.
    expect(server.sockets.length).toBeLessThanOrEqual(2)
    for await (const chunk of (await origin.fetch(get('/long'))).body) {
      expect(chunk).toHaveLength(3)
      break
    }
    await until(() => server.sockets.some((socket) => socket.destroyed))
    expect(await textOf(await origin.fetch(get()))).toBe('ok')
    expect(origin.usage().inFlight).toBe(0)
  })

  test('are not reused after HEAD: content sent all the same would pass for the next response', async () => {
    const [origin, server] = await served(({ socket, head }) => {
      socket.write(head.startsWith('HEAD') ? 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n' : ok())
    })
    await textOf(await origin.fetch(get('/', { method: 'HEAD' })))
    await setImmediate() // undici reuses a connection only after a turn of the event loop
    expect(await textOf(await origin.fetch(get()))).toBe('ok')
    expect(server.requests.map(({ connection }) => connection)).toEqual([0, 1])
  })

  test('are closed by close() once the requests in progress have ended', async () => {
    const answer = gate()
    const [origin, server] = await served(({ socket }) => void answer.opened.then(() => socket.write(ok())))
    const response = origin.fetch(get())
    await until(() => server.requests.length === 1)
    const closed = origin.close()
    expect(await codeOf(origin.fetch(get()))).toBe('origin_refused')
    answer.open()
    expect(await textOf(await response)).toBe('ok')
    await closed
    await until(() => server.sockets[0]?.destroyed === true)
  })

  test('of a retired origin are closed once idle, and requests that still arrive are answered', async () => {
    const answer = gate()
    const [origin, server] = await served(({ socket, head }) => {
      if (head.includes('/slow')) void answer.opened.then(() => socket.write(ok()))
      else socket.write(ok())
    })
    const slow = origin.fetch(get('/slow'))
    await until(() => server.requests.length === 1)
    await textOf(await origin.fetch(get()))
    void origin.retire()
    await until(() => server.sockets[1]?.destroyed === true)
    expect(await textOf(await origin.fetch(get('/late')))).toBe('ok')
    answer.open()
    expect(await textOf(await slow)).toBe('ok')
    await until(() => server.sockets.length === 3 && server.sockets.every(({ destroyed }) => destroyed))
  })

  test('are destroyed by close() at once when its signal is aborted', async () => {
    const [origin, server] = await served(() => {})
    const response = codeOf(origin.fetch(get()))
    await until(() => server.requests.length === 1)
    const controller = new AbortController()
    const closed = origin.close(controller.signal)
    controller.abort()
    expect(await response).toBe('origin_reset')
    await closed
  })
})

describe('the concurrency limit', () => {
  test('queues the rest in order, up to a bound, and drops callers that leave', async () => {
    const answers: (() => void)[] = []
    const server = await rawOrigin(({ socket }) => answers.push(() => socket.write(ok())))
    const origin = originOf(server.url, { maxConcurrency: 1 })
    open.push(server, { close: () => origin.close(AbortSignal.abort()) })
    const leaver = new AbortController()
    const first = origin.fetch(get('/0'))
    const left = codeOf(origin.fetch(get('/1'), leaver.signal))
    const waiting = ['/2', '/3', '/4'].map((target) => origin.fetch(get(target)))
    expect(await codeOf(origin.fetch(get('/5')))).toBe('overloaded')
    expect(origin.usage()).toEqual({ inFlight: 1, queued: 4 })
    leaver.abort()
    expect(await left).toBe('client_gone')
    for (const response of [first, ...waiting]) {
      await until(() => answers.length > 0)
      answers.shift()?.()
      await textOf(await response)
    }
    expect(server.requests.map(({ head }) => head.split(' ')[1])).toEqual(['/0', '/2', '/3', '/4'])
    expect(origin.usage()).toEqual({ inFlight: 0, queued: 0 })
  })

  test('applies to connections too, over many requests', async () => {
    const [origin, server] = await served(({ socket }) => socket.write(ok()))
    await Promise.all(Array.from({ length: 60 }, async () => textOf(await origin.fetch(get()))))
    expect(server.requests).toHaveLength(60)
    expect(server.sockets.length).toBeLessThanOrEqual(16)
  })

  test('stops queueing a request after headersTimeout', async () => {
    const server = await rawOrigin(({ socket }) => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
    const origin = originOf(server.url, { maxConcurrency: 1, headersTimeout: 1_000 })
    open.push(server, { close: () => origin.close(AbortSignal.abort()) })
    await origin.fetch(get())
    expect(await codeOf(origin.fetch(get()))).toBe('overloaded')
  })
})
