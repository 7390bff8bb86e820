import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { Body } from '../../src/body.ts'
import type { Hit, Plan } from '../../src/cache/http/hit.ts'
import { createCache, memoryStore } from '../../src/index.ts'
import { openLane } from '../../src/lane/lane.ts'
import type { CacheRequest } from '../../src/model.ts'
import { MAX_FIELDS } from '../../src/policy/head.ts'
import { entryWith, NOW, routeWith } from '../policy/support.ts'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { listen } from '../support/raw-origin.ts'
import { until } from '../support/waiting.ts'

/*
 * Sends the same octets to two Herdgates that differ only in the lane. Their answers must be the same octet by octet,
 * and so must the requests at their origins.
 */
interface Side {
  readonly herdgate: Herdgate
  readonly seen: string[]
  close(): Promise<void>
}

const DATE = 'Thu, 01 Jan 2026 00:00:00 GMT'
const SLOW_MS = 3_500
const REPORT = 'x'.repeat(200_000)

function origin(seen: string[]) {
  return createServer((request: IncomingMessage, response: ServerResponse) => {
    const { method, url = '/', rawHeaders } = request
    let content = ''
    request.setEncoding('latin1').on('data', (text: string) => (content += text))
    request.on('end', () => {
      seen.push(JSON.stringify({ method, url, rawHeaders, content }).replaceAll(/127\.0\.0\.1:\d+/g, 'there'))
      response.setHeader('Date', DATE)
      response.setHeader('ETag', '"1"')
      response.setHeader('Last-Modified', DATE)
      response.setHeader('Cache-Control', url.startsWith('/private') ? 'private' : 's-maxage=86400000')
      if (url.startsWith('/vary')) response.setHeader('Vary', 'Accept-Language')
      if (url.startsWith('/missing')) response.statusCode = 404
      if (url.startsWith('/slow')) return void setTimeout(() => response.end('slow'), SLOW_MS)
      response.end(method === 'HEAD' ? undefined : url.startsWith('/report') ? REPORT : `content of ${url}`)
    })
  })
}

async function start(lane: 'on' | 'off', more: string = ''): Promise<Side> {
  const seen: string[] = []
  const server = origin(seen)
  const port = await listen(server)
  const folder = await mkdtemp(join(tmpdir(), 'lane-'))
  const file = join(folder, 'herdgate.yaml')
  await writeFile(
    file,
    `version: 1\norigins: { o: { urls: ["http://127.0.0.1:${port}"] } }\nlane: ${lane}\n${more}listen: { trustProxy: [127.0.0.1/32] }\n`,
  )
  const herdgate = await startHerdgate(['--config', file, '--log-level', 'error'])
  return {
    herdgate,
    seen,
    async close() {
      await herdgate.stop()
      server.close()
      server.closeAllConnections()
      await rm(folder, { recursive: true })
    },
  }
}

/** One connection, and what has come back on it. */
class Talk {
  readonly #socket: Socket
  #received = ''
  /** For each whole request sent so far, whether it was a HEAD. */
  readonly #sent: boolean[] = []

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true).setEncoding('latin1')
    socket.on('data', (text: string) => (this.#received += text)).on('error', () => {})
  }

  static async with(side: Side): Promise<Talk> {
    const socket = connect({ port: Number(new URL(side.herdgate.url).port), host: '127.0.0.1' })
    const talk = new Talk(socket)
    await once(socket, 'connect')
    return talk
  }

  get said(): string {
    return masked(this.#received)
  }

  get isOver(): boolean {
    return this.#socket.readableEnded || this.#socket.destroyed
  }

  /** Whether every whole request has its whole answer, or nothing more will come. */
  get isAnswered(): boolean {
    return this.isOver || wholeAnswers(this.#received, this.#sent) >= this.#sent.length
  }

  /** @param piece a request, or the rest of one */
  send(piece: string): void {
    this.#socket.write(piece, 'latin1')
    if (!/^Content-Length: [1-9]\d*\r\n\r\n$/m.test(piece)) this.#sent.push(piece.startsWith('HEAD '))
  }

  end(): void {
    this.#socket.destroy()
  }
}

/** Counts final answers that have arrived whole. @param toHead which of them answer a HEAD, without content */
function wholeAnswers(text: string, toHead: readonly boolean[]): number {
  let [count, at] = [0, 0]
  for (;;) {
    const end = text.indexOf('\r\n\r\n', at)
    if (end < 0) return count
    const fields = text.slice(at, end)
    const status = Number(fields.slice('HTTP/1.1 '.length).slice(0, 3))
    at = end + 4
    if (status < 200) continue
    if (status !== 204 && status !== 304 && toHead[count] !== true) {
      const length = Number(/^content-length: (\d+)$/im.exec(fields)?.[1] ?? 0)
      const lastChunk = text.indexOf('\r\n0\r\n\r\n', end + 2)
      at = /^transfer-encoding: chunked$/im.test(fields) ? lastChunk + 7 : at + length
      if (at > text.length || at < end) return count
    }
    count++
  }
}

const APART_MS = 40

/** A pause, so that what is sent next arrives as a chunk of its own. */
const apart = () => new Promise((resolve) => setTimeout(resolve, APART_MS))

/** Masks what depends on the time, as the two may answer in different seconds, and the boundary, which is random. */
const masked = (text: string): string =>
  text
    .replaceAll(/^(Age: )\d+/gm, '$1n')
    .replaceAll(/ttl=\d+/g, 'ttl=n')
    .replaceAll(/^(Date: ).*GMT/gm, '$1then')
    .replaceAll(/(boundary=|^--)[0-9a-f]{32}/gm, '$1b')

const get = (target: string, ...lines: string[]) =>
  `${[`GET ${target} HTTP/1.1`, 'Host: shop.test', ...lines].join('\r\n')}\r\n\r\n`
const head = (target: string, ...lines: string[]) => get(target, ...lines).replace('GET', 'HEAD')
/** Sent last on each connection: when that is closed, everything before has been answered. */
const LAST = get('/last', 'Connection: close')
const BROWSER = [
  'Connection: keep-alive',
  'sec-ch-ua: "Chromium";v="156", "Not A(Brand";v="24"',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-GB,en;q=0.9',
]

/** With Host they are as many fields as a head may have. */
const FILLERS = Array.from({ length: MAX_FIELDS - 1 }, () => 'X: y')
const CHUNKED = 'POST /p HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n'

/** Each on one connection, one piece after the other; most begin with a request that fills the cache. */
const CONVERSATIONS: Record<string, readonly string[]> = {
  'a plain hit': [get('/a'), get('/a'), get('/a')],
  'a browser': [get('/a', ...BROWSER), get('/a', ...BROWSER), get('/vary', ...BROWSER), get('/vary', ...BROWSER)],
  variants: [
    get('/vary', 'Accept-Language: en'),
    get('/vary', 'Accept-Language: de'),
    get('/vary', 'accept-language: EN'),
    get('/vary'),
  ],
  HEAD: [get('/a'), head('/a'), head('/a'), get('/a'), head('/missing'), head('/missing')],
  conditions: [
    get('/a'),
    get('/a', 'If-None-Match: "1"'),
    get('/a', 'If-None-Match: W/"1", "2"'),
    get('/a', 'If-None-Match: "2"'),
    get('/a', `If-Modified-Since: ${DATE}`),
    head('/a', 'If-None-Match: *'),
    get('/a', 'If-Match: "1"'),
  ],
  ranges: [get('/a'), get('/a', 'Range: bytes=0-3'), get('/a', 'Range: bytes=0-1,3-4'), get('/a', 'Range: bytes=99-')],
  'what the request asks of caches': [
    get('/a'),
    get('/a', 'Cache-Control: no-cache'),
    get('/a', 'Pragma: no-cache'),
    get('/a', 'Cache-Control: max-age=0'),
    get('/a', 'Cache-Control: only-if-cached'),
    get('/b', 'Cache-Control: only-if-cached'),
  ],
  'misses among hits': [get('/a'), get('/c'), get('/a'), get('/c'), get('/private'), get('/a'), get('/private')],
  'a stored 404': [get('/missing'), get('/missing')],
  'a long body': [get('/report'), get('/report'), get('/a'), get('/a')],
  credentials: [
    get('/a'),
    get('/a', 'Authorization: Basic eDp5'),
    get('/a', 'Cookie: sid=1'),
    get('/a', 'X-Api-Key: k'),
    get('/a'),
  ],
  'content, then a hit': [
    get('/a'),
    `POST /a HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 5\r\n\r\nhello`,
    get('/a'),
    get('/a'),
  ],
  'chunked content, then a hit': [
    get('/a'),
    `POST /p HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    get('/a'),
  ],
  'a malformed chunk behind a hit': [get('/a'), `${CHUNKED}zz\r\n`],
  'a malformed chunk behind another and hits': [
    ...Array.from({ length: 8 }, () => get('/a')),
    `${CHUNKED}5\r\nhello\r\nzz\r\n`,
  ],
  'a malformed field behind a hit that is the last': [get('/a'), get('/a', 'Connection: close'), get('/a', 'X Y: z')],
  'a malformed field behind a hit': [get('/a'), get('/a', 'X Y: z')],
  'content in a GET': [get('/a'), `${get('/a', 'Content-Length: 8').replace('GET', 'GET')}x=poison`, get('/a')],
  'an upload that looks like a request': [
    get('/a'),
    `POST /p HTTP/1.1\r\nHost: shop.test\r\nContent-Length: ${get('/a').length}\r\n\r\n`,
    get('/a'),
    get('/a'),
  ],
  'a head that begins after another request': [
    `${get('/a')}GET /c HTTP/1.1\r\nX-Rest: `,
    get('/a'),
    `${get('/a')}GET /c HTTP/1.1\r\nX-Rest: `,
    get('/a'),
    get('/a'),
  ],
  'an end': [get('/a'), get('/a', 'Connection: close'), get('/a')],
  'other hosts': [get('/a'), get('/a').replace('shop.test', 'SHOP.test:80'), get('/a').replace('shop.test', 'b.test')],
  'Host that is malformed': [get('/a'), get('/a').replace('shop.test', 'a@b'), get('/a')],
  'what a trusted proxy says of the scheme': [
    get('/a', 'X-Forwarded-Proto: https'),
    get('/a', 'X-Forwarded-Proto: https'),
    get('/a'),
    get('/a', 'X-Forwarded-Proto: http'),
    get('/a').replace('shop.test', 's shop.test'),
  ],
  'what a trusted proxy says of the host': [
    get('/a'),
    get('/a', 'X-Forwarded-Host: shop.test'),
    get('/a', 'X-Forwarded-Host: b.test'),
    get('/a', 'X-Forwarded-Host: b.test'),
    get('/a', 'X-Forwarded-Host: shop.test:80'),
    get('/a', 'X-Forwarded-Host: b.test', 'X-Forwarded-Host: c.test'),
    get('/a', 'X-Forwarded-Host: shop'),
    get('/a'),
  ],
  'two Hosts': [get('/a'), get('/a', 'Host: b.test'), get('/a')],
  'bare line feeds': [get('/a'), get('/a').replaceAll('\r\n', '\n'), get('/a')],
  'a folded line': [get('/a'), get('/a', 'X: a', ' Transfer-Encoding: chunked'), get('/a')],
  NUL: [get('/a'), get('/a', 'X: a\0b'), get('/a')],
  'octets above ASCII': [get('/a'), get('/a', 'X: \xe9'), get('/a')],
  'space at the end of a value': [get('/a'), get('/a', 'Accept: */* '), get('/a')],
  'an empty value': [get('/a'), get('/a', 'Accept: '), get('/a')],
  'two lengths': [get('/a'), get('/a', 'Content-Length: 0', 'Content-Length: 0'), get('/a')],
  'lengths and codings': [get('/a'), get('/a', 'Content-Length: 4', 'Transfer-Encoding: chunked'), get('/a')],
  'Connection that names fields': [get('/a'), get('/a', 'Connection: X-A', 'X-A: 1'), get('/a', 'Connection: Cookie')],
  'an expectation': [get('/a'), get('/a', 'Expect: 100-continue'), get('/a', 'Expect: wonders'), get('/a')],
  'Connection as nginx may have it': [
    get('/a'),
    get('/a', 'Connection: upgrade'),
    get('/a', 'Connection: upgrade', 'Connection: keep-alive'),
    get('/new', 'Connection: upgrade'),
    get('/a', 'Connection: upgrade').replace('GET', 'HEAD'),
    get('/a', 'Connection: upgrade', 'Content-Length: 3') + 'abc',
    get('/a', 'Connection: upgrade'),
  ],
  'another protocol': [get('/a'), get('/a', 'Connection: Upgrade', 'Upgrade: h2c'), get('/a')],
  'a loop': [get('/a'), get('/a', 'Via: 1.1 herdgate'), get('/a')],
  'HTTP/1.0': [get('/a'), get('/a').replace('1.1', '1.0')],
  'an empty line before a request': [get('/a'), `\r\n${get('/a')}`, get('/a')],
  'no request at all': [get('/a'), 'hello\r\n\r\n', get('/a')],
  'a head too large': [get('/a'), get('/a', `X: ${'y'.repeat(20_000)}`), get('/a')],
  'as many fields as a head may have, and one more': [get('/a'), get('/a', ...FILLERS), get('/a', 'X: y', ...FILLERS)],
  'two fields more than a head may have': [get('/a'), get('/a', 'X: y', 'X: y', ...FILLERS)],
  'a target with odd octets': [get('/a'), get('/a|b'), get('/a#b'), get('/a%00'), get('//a'), get('/a')],
  'the absolute form': [get('/a'), get('http://shop.test/a'), get('http://other.test/a')],
  'OPTIONS *': [get('/a'), get('*').replace('GET', 'OPTIONS'), get('/a')],
  'unknown methods': [get('/a'), get('/a').replace('GET', 'BREW'), get('/a')],
}

/** Lookups in the memory tier, hits and misses. */
const LOOKS = /^herdgate_store_operations_total\{tier="memory",op="get",outcome="(?:hit|miss)"\} (\d+)/gm

let on: Side
let off: Side
beforeAll(async () => {
  ;[on, off] = await Promise.all([start('on'), start('off')])
})
afterAll(async () => {
  await Promise.all([on.close(), off.close()])
})

/**
 * What both answer to the same pieces, and what both ask their origins.
 * @param answered how many of the pieces must be answered before the next is sent
 */
async function both(pieces: readonly string[], answered: number) {
  const from = [on.seen.length, off.seen.length] as const
  const talks = await Promise.all([Talk.with(on), Talk.with(off)])
  for (const [at, piece] of pieces.entries()) {
    for (const talk of talks) talk.send(piece)
    if (at < answered) await until(() => talks.every(({ isAnswered }) => isAnswered), `answers to ${piece}`)
    else await apart()
  }
  const [with_, without] = talks
  for (const talk of talks) talk.send(LAST)
  await until(() => talks.every(({ isOver }) => isOver), 'both to end')
  for (const talk of talks) talk.end()
  return { said: with_.said, expected: without.said, asked: on.seen.slice(from[0]), toAsk: off.seen.slice(from[1]) }
}

describe('with the lane and without it', () => {
  test.each(Object.entries(CONVERSATIONS))('%s', async (_, pieces) => {
    const { said, expected, asked, toAsk } = await both(pieces, pieces.length)
    expect(said.length).toBeGreaterThan(100)
    expect(said).toBe(expected)
    expect(asked).toEqual(toAsk)
  })

  test.each(Object.entries(CONVERSATIONS))('%s, all at once', async (_, pieces) => {
    const { said, expected } = await both([pieces.join('')], 0)
    expect(said).toBe(expected)
  })

  test('requests split at every seventh octet', async () => {
    const requests = get('/a', 'Accept: */*') + get('/a') + head('/a') + get('/a', 'If-None-Match: "1"')
    await both([get('/a')], 1)
    for (let at = 1; at < requests.length; at += 7) {
      const pieces = [get('/a'), requests.slice(0, at), requests.slice(at)]
      const { said, expected } = await both(pieces, 1)
      expect(said, `split at ${at}`).toBe(expected)
    }
  })

  test('stores are asked equally often: what the lane has looked up in vain is not looked up again', async () => {
    const looks = async ({ herdgate }: Side): Promise<number[]> =>
      [...(await herdgate.ask('/metrics')).body.matchAll(LOOKS)].map(([, count]) => Number(count))
    const before = [await looks(on), await looks(off)]
    const absent = ['/vary/looks', '/looks', '/private/looks', '/missing/looks']
    const twice = absent.flatMap((target) => [get(target), head(target), get(target)])
    const languages = ['en', 'de', 'en'].map((language) => get('/vary/looks', `Accept-Language: ${language}`))
    const pieces = [get('/a'), ...twice, ...languages, get('/looks', 'Authorization: x')]
    await both(pieces, pieces.length)
    const after = [await looks(on), await looks(off)]
    const [more = [], toExpect = []] = after.map((counts, side) => counts.map((n, at) => n - (before[side]?.[at] ?? 0)))
    expect(more).toEqual(toExpect)
    expect(Math.min(...more)).toBeGreaterThan(3)
  })

  test('the same number of requests is counted', async () => {
    const counted = async ({ herdgate }: Side) => (await herdgate.ask('/v1/stats')).body.requests
    expect(await counted(on)).toEqual(await counted(off))
  })
})

describe('the lane', () => {
  test('is asked first, until it is stopped', async () => {
    const cache = createCache({ store: memoryStore({ maxBytes: '1MiB' }) })
    const planFor = vi.spyOn(cache.hits, 'planFor')
    const server = createServer((_request, response) => response.end('x'))
    const peerOf = () => ({ address: '127.0.0.1', trusted: false })
    const limits = { idleTimeout: 5_000, headBytes: 16_384 }
    const lane = openLane(server, { hits: cache.hits, peerOf, events: cache.events, clock: systemClock, ...limits })
    const socket = connect({ port: await listen(server), host: '127.0.0.1' })
    for (const times of [1, 2, 3]) {
      socket.write(get('/a'))
      await once(socket, 'data')
      expect(planFor).toHaveBeenCalledTimes(times)
    }
    lane.stop()
    socket.write(get('/a'))
    await once(socket, 'data')
    expect(planFor).toHaveBeenCalledTimes(3)
    socket.destroy()
    server.close()
    await cache.close()
  })

  test('a request that it does not answer stays readable when later ones are read into the same memory', async () => {
    const seen: CacheRequest[] = []
    const cache = createCache({ store: memoryStore({ maxBytes: '1MiB' }) })
    vi.spyOn(cache.hits, 'planFor').mockImplementation((request) => void seen.push(request))
    const server = createServer((_request, response) => response.end('x'))
    const peerOf = () => ({ address: '127.0.0.1', trusted: false })
    const limits = { idleTimeout: 5_000, headBytes: 16_384 }
    openLane(server, { hits: cache.hits, peerOf, events: cache.events, clock: systemClock, ...limits })
    const socket = connect({ port: await listen(server), host: '127.0.0.1' })
    for (const language of ['xx', 'de', 'fr']) {
      socket.write(get('/a', `Accept-Language: ${language}`))
      await once(socket, 'data')
    }
    expect(seen.map(({ fields }) => fields.at(-1))).toEqual(['xx', 'de', 'fr'])
    socket.destroy()
    server.close()
    await cache.close()
  })

  describe('while an answer waits for other requests that are ready', () => {
    /** One answer in this many waits, even if few requests are ready at once. */
    const WAITS = 64
    const hitOn = (url: string): Hit => ({
      route: routeWith(),
      entry: entryWith({ body: Body.of(Buffer.from(`<${new URL(url).pathname}>`)) }),
      now: NOW,
      outcome: { result: 'hit' },
    })
    const plan = { route: routeWith(), ask: { key: '' } as Plan['ask'], general: false, routeAt: 0 }

    /** A lane whose turns end on demand, an answer that waits on one connection, and another connection. */
    async function waiting() {
      const cache = createCache({ store: memoryStore({ maxBytes: '1MiB' }) })
      vi.spyOn(cache.hits, 'planFor').mockImplementation(({ url }) => (url.includes('/hit') ? plan : undefined))
      const found: string[] = []
      vi.spyOn(cache.hits, 'find').mockImplementation(({ url }) => {
        found.push(new URL(url).pathname)
        return hitOn(url)
      })
      const accepted: Socket[] = []
      const server = createServer((_request, response) => response.end('<miss>'))
      server.on('connection', (socket) => accepted.push(socket))
      const turns: (() => void)[] = []
      const lane = openLane(server, {
        hits: cache.hits,
        peerOf: () => ({ address: '127.0.0.1', trusted: false }),
        events: cache.events,
        clock: systemClock,
        idleTimeout: 5_000,
        headBytes: 16_384,
        atTurnsEnd: (run) => void turns.push(run),
      })
      const port = await listen(server)
      const open = () => {
        const socket = connect({ port, host: '127.0.0.1' }).setEncoding('latin1')
        let said = ''
        socket.on('data', (text: string) => (said += text))
        return {
          socket,
          ask: (target: string) => void socket.write(get(target)),
          contents: () => said.match(/<.+?>/g) ?? [],
        }
      }
      const [one, other] = [open(), open()]
      onTestFinished(async () => {
        one.socket.destroy()
        other.socket.destroy()
        server.close()
        await cache.close()
      })
      const written = () => accepted.reduce((sum, socket) => sum + socket.bytesWritten, 0)
      for (let n = 1; n < WAITS; n++) {
        one.ask(`/hit/${n}`)
        await until(() => one.contents().length === n, 'an answer')
      }
      const before = written()
      one.ask('/hit/waits')
      await until(() => turns.length === 1, 'an answer that waits')
      expect(written()).toBe(before)
      const endTurn = () => {
        for (const run of turns.splice(0)) run()
      }
      return { lane, one, other, found, endTurn, events: cache.events }
    }

    test('a miss on the same connection is answered after it', async () => {
      const { one } = await waiting()
      one.ask('/miss')
      await until(() => one.contents().length > WAITS, 'both answers')
      expect(one.contents().slice(WAITS - 1)).toEqual(['</hit/waits>', '<miss>'])
    })

    test('the next hit on the same connection is answered after it', async () => {
      const { one, endTurn } = await waiting()
      one.ask('/hit/next')
      await until(() => one.contents().length === WAITS, 'the first')
      endTurn()
      await until(() => one.contents().length > WAITS, 'the next')
      expect(one.contents().slice(WAITS - 1)).toEqual(['</hit/waits>', '</hit/next>'])
    })

    test('an answer on another connection can wait too', async () => {
      const { one, other, found, endTurn } = await waiting()
      other.ask('/hit/other')
      await until(() => found.includes('/hit/other'), 'another that waits')
      endTurn()
      await until(() => other.contents().length === 1 && one.contents().length === WAITS, 'both')
      expect(one.contents().at(-1)).toBe('</hit/waits>')
      expect(other.contents()).toEqual(['</hit/other>'])
    })

    test('a client that half-closes its connection gets it before the end', async () => {
      const { one } = await waiting()
      one.socket.end()
      await until(() => one.socket.readableEnded, 'the end')
      expect(one.contents().at(-1)).toBe('</hit/waits>')
    })

    test('it is sent when a miss comes on another connection', async () => {
      const { one, other } = await waiting()
      other.ask('/miss')
      await until(() => other.contents().length === 1 && one.contents().length === WAITS, 'both answers')
    })

    test('it is sent when the origin has answered another request', async () => {
      const { one, events } = await waiting()
      events.emit('origin', { origin: 'o', route: 'default', reason: 'uri-miss', code: '200', ms: 1 })
      await until(() => one.contents().length === WAITS, 'the answer')
    })

    test('it is sent when the lane is stopped', async () => {
      const { one, lane } = await waiting()
      lane.stop()
      await until(() => one.contents().length === WAITS, 'the answer')
    })
  })

  test('answers many connections at once as it answers one: what each asked for, in order', async () => {
    const targets = ['/a', '/report', '/vary/many', '/missing/many', '/b', '/c', '/d', '/e']
    const conversation = targets.flatMap((target) => [get(target), get(target, 'If-None-Match: "1"'), head(target)])
    await both(conversation, conversation.length) // from now on there is nothing to fetch
    const talks = Array.from({ length: 100 }, (_, at) => {
      const first = at % conversation.length
      return both([...conversation.slice(first), ...conversation.slice(0, first)], conversation.length)
    })
    for (const { said, expected } of await Promise.all(talks)) expect(said).toBe(expected)
  })

  test('leaves a client that does not read to the limits for slow ones, and buffers little for it', async () => {
    const socket = connect({ port: Number(new URL(on.herdgate.url).port), host: '127.0.0.1' })
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.pause()
    const before = on.herdgate.rss()
    let sent = 0
    const flood = setInterval(() => {
      for (let n = 0; n < 20 && socket.writableLength < 100_000; n++, sent++) socket.write(get('/report'))
    }, 10)
    await until(() => sent > 500, 'enough requests')
    clearInterval(flood)
    expect(on.herdgate.rss() - before).toBeLessThan(150 * 2 ** 20)
    socket.destroy()
  })

  test('leaves idle connections open until idleTimeout', async () => {
    const side = await start('on', 'limits: { idleTimeout: 2s }\n')
    const socket = connect({ port: Number(new URL(side.herdgate.url).port), host: '127.0.0.1' })
    const ended = once(socket, 'end')
    let askedAt = 0
    for (let n = 0; n < 3; n++) {
      askedAt = performance.now()
      socket.write(get('/a'))
      await once(socket, 'data')
    }
    await ended
    expect(performance.now() - askedAt).toBeGreaterThan(2_000)
    await side.close()
  })

  describe('on a connection on which node:http has answered nothing', () => {
    /** A connection with one answer, from memory; then all that came after that, and when it was closed. */
    async function newcomer(side: Side) {
      const socket = connect({ port: Number(new URL(side.herdgate.url).port), host: '127.0.0.1' })
      socket.setEncoding('latin1').on('error', () => {})
      const askedAt = performance.now()
      socket.write(get('/a'))
      const [first] = (await once(socket, 'data')) as [string]
      expect(first).toMatch(/^HTTP\/1\.1 200 .*\r\nCache-Status: herdgate; hit/s)
      let said = ''
      socket.on('data', (text: string) => (said += text))
      const over = once(socket, 'close').then(() => ({ said, afterMs: performance.now() - askedAt }))
      return { socket, over, said: () => said }
    }

    let side: Side
    beforeAll(async () => {
      side = await start('on', 'limits: { headTimeout: 1s, idleTimeout: 2s }\n')
      const first = connect({ port: Number(new URL(side.herdgate.url).port), host: '127.0.0.1' })
      first.write(get('/a'))
      await once(first, 'data')
      first.destroy()
    })
    afterAll(() => side.close())

    test('headTimeout and idleTimeout are the same as on any other', async () => {
      const [silent, busy, half, empty, waiting] = await Promise.all(Array.from({ length: 5 }, () => newcomer(side)))
      half?.socket.write('GET /a HTTP/1.1\r\nHost: sh')
      empty?.socket.write('\r\n')
      waiting?.socket.write(get('/slow'))
      for (let times = 0; times < 8; times++) {
        await new Promise((resolve) => setTimeout(resolve, 500))
        busy?.socket.write(get('/a'))
      }
      await until(() => busy?.said().match(/Cache-Status: herdgate; hit/g)?.length === 8, 'as many answers')
      await until(() => waiting?.said().endsWith('slow') === true, 'the slow answer')
      expect(waiting?.said()).toMatch(/^HTTP\/1\.1 200 .*slow$/s)
      for (const each of [silent, empty]) {
        const closed = await each?.over
        expect(closed?.said).toBe('')
        expect(closed?.afterMs).toBeGreaterThan(2_900)
        expect(closed?.afterMs).toBeLessThan(5_000)
      }
      const refused = await half?.over
      expect(refused?.said).toMatch(/^HTTP\/1\.1 408 /)
      expect(refused?.afterMs).toBeLessThan(3_500)
      expect((await busy?.over)?.said).not.toMatch(/HTTP\/1\.1 408 /)
      expect((await waiting?.over)?.afterMs).toBeGreaterThan(SLOW_MS + 2_000)
    })
  })

  test('closes its connections when Herdgate stops', async () => {
    const side = await start('on')
    const socket = connect({ port: Number(new URL(side.herdgate.url).port), host: '127.0.0.1' })
    socket.resume()
    for (let n = 0; n < 3; n++) {
      socket.write(get('/a'))
      await once(socket, 'data')
    }
    const ended = once(socket, 'end')
    expect(await side.herdgate.stop()).toBe(0)
    await ended
    await side.close()
  })
})
