/**
 * Faults of origins, as a client of a real process sees them. Each is tried with nothing stored, and with a stored
 * response that may be served stale. When the fault is over the next answer is a fresh one.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { connect, createServer as createTcpServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { selfSigned } from '../support/certificate.ts'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { type Answer, get } from '../support/http.ts'
import { deadPort, ok, type RawOrigin, type RawRequest, rawOrigin } from '../support/raw-origin.ts'
import { until } from '../support/waiting.ts'

const FRESH = 'Cache-Control: max-age=60\r\n'
/** Timeout of the origin that is silent on purpose; the others have the default, which no slow machine exceeds. */
const TIMEOUT_MS = 1_500
/** Well below an origin's default timeout of 30 s. */
const SOON_MS = 20_000

let origin: RawOrigin
let herdgate: Herdgate
let directory: string
/** How requests for each path fail, while they do. */
const faults = new Map<string, (request: RawRequest) => void>()

beforeAll(async () => {
  origin = await rawOrigin((request) => {
    const [, path = ''] = request.head.split(' ')
    const fault = faults.get(path)
    if (fault === undefined) request.socket.write(ok('fine', FRESH))
    else fault(request)
  })
  directory = await mkdtemp(join(tmpdir(), 'faults-'))
  const file = join(directory, 'herdgate.yaml')
  await writeFile(file, await config())
  herdgate = await startHerdgate(['--config', file, '--log-level', 'silent'])
})
afterAll(async () => {
  await herdgate.stop()
  await origin.close()
  await rm(directory, { recursive: true })
})

const config = async (): Promise<string> => `version: 1
origins:
  main: { urls: ["${origin.url}"] }
  hasty: { urls: ["${origin.url}"], headersTimeout: ${TIMEOUT_MS}ms, bodyTimeout: ${TIMEOUT_MS}ms, totalTimeout: ${2 * TIMEOUT_MS}ms }
  dead: { urls: ["http://127.0.0.1:${await deadPort()}"] }
  nameless: { urls: ["http://nobody.invalid"] }
  plain: { urls: ["https://127.0.0.1:${origin.port}"], connectTimeout: 300ms }
  half: { urls: ["http://127.0.0.1:${await deadPort()}", "${origin.url}"] }
routes:
  - { name: hasty, match: { host: hasty.test }, origin: hasty }
  - { name: dead, match: { host: dead.test }, origin: dead }
  - { name: nameless, match: { host: nameless.test }, origin: nameless }
  - { name: plain, match: { host: plain.test }, origin: plain }
  - { name: half, match: { host: half.test }, origin: half }
  - { name: main, origin: main }
`

const ask = (path: string, host = 'a.test'): Promise<Answer> => get(herdgate.url + path, { headers: { host } })

const drip = ({ socket }: RawRequest): void => {
  socket.write('HTTP/1.1 200 OK\r\n')
  const timer = setInterval(() => socket.write('X: y\r\n'), 20)
  socket.once('close', () => clearInterval(timer))
}
const writes = (bytes: string) => (request: RawRequest) => void request.socket.write(bytes)
const ends = (bytes: string) => (request: RawRequest) => void request.socket.end(bytes)
const resets = (bytes: string) => (request: RawRequest) =>
  void request.socket.write(bytes, () => setImmediate(() => request.socket.resetAndDestroy()))

const LENGTH = `HTTP/1.1 200 OK\r\n${FRESH}Content-Length: 10\r\n\r\nabc`
const CHUNKED = `HTTP/1.1 200 OK\r\n${FRESH}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`
const CLOSING = `HTTP/1.1 200 OK\r\n${FRESH}Connection: close\r\n\r\nabc`

const dripChunks = ({ socket }: RawRequest): void => {
  socket.write(CHUNKED)
  const timer = setInterval(() => socket.write('1\r\nx\r\n'), 20)
  socket.once('close', () => clearInterval(timer))
}

describe.each<[string, (request: RawRequest) => void, number]>([
  ['silence', () => {}, 504],
  ['a head that trickles in', drip, 504],
  ['a reset before the head', ({ socket }) => socket.resetAndDestroy(), 502],
  ['a close before the head', ends(''), 502],
  ['a close within the head', ends('HTTP/1.1 200 OK\r\nX: y'), 502],
  ['a malformed head', writes('HTTP/1.1 200 OK\r\nno colon\r\n\r\n'), 502],
  ['500', writes('HTTP/1.1 500 Broken\r\nContent-Length: 5\r\n\r\nstack'), 500],
  ['503', writes('HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy'), 503],
])('%s', (name, fault, status) => {
  const path = `/${name.replaceAll(' ', '-')}`
  const host = status === 504 ? 'hasty.test' : 'a.test'

  test(`is a ${status} if nothing is stored, and ends with the fault`, async () => {
    faults.set(path, fault)
    const failed = await ask(path, host)
    expect(failed.status).toBe(status)
    expect(failed.totalMs).toBeLessThan(SOON_MS)
    if (status !== 500 && status !== 503) expect(failed.headers['cache-control']).toBe('no-store')
    faults.delete(path)
    await until(async () => (await ask(path, host)).body === 'fine', 'the origin works again')
    expect((await ask(path, host)).cacheStatus).toMatch(/^herdgate; hit/)
  })

  test('gives a stale copy if there is one, marked as such', async () => {
    expect((await ask(path, host)).body).toBe('fine')
    expect((await herdgate.ask('/v1/invalidate', { urls: [`http://${host}${path}`] })).status).toBe(200)
    faults.set(path, fault)
    const stale = await ask(path, host)
    expect([stale.status, stale.body]).toEqual([200, 'fine'])
    expect(stale.cacheStatus).toMatch(/stale/)
    faults.delete(path)
  })
})

describe('a herd of requests to a flapping origin', () => {
  test('makes at most two requests during the failure, and few afterwards', async () => {
    const busy = writes('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n')
    const held: RawRequest[] = []
    faults.set('/flap', (request) => void held.push(request))
    const before = origin.requests.length
    const herd = () => Promise.all(Array.from({ length: 100 }, () => ask('/flap')))
    const first = herd()
    await until(async () => (await herdgate.ask('/v1/stats')).body.waiting === 100, 'all of them to wait')
    faults.set('/flap', busy)
    held.forEach(busy)
    expect(new Set((await first).map(({ status }) => status))).toEqual(new Set([503]))
    expect(origin.requests.length - before).toBeLessThanOrEqual(2)
    faults.delete('/flap')
    await until(async () => (await ask('/flap/probe')).status === 200, 'it works again')
    await until(async () => (await herd()).every(({ body }) => body === 'fine'), 'all have the answer')
    expect(origin.requests.filter(({ head }) => head.startsWith('GET /flap ')).length).toBeLessThan(10)
  })
})

describe('content that breaks off is incomplete for the client, and not stored', () => {
  test.each<[string, (request: RawRequest) => void, string?]>([
    ['a reset within a length', resets(LENGTH)],
    ['a reset between chunks', resets(CHUNKED)],
    ['a reset where the close would be the end', resets(CLOSING)],
    ['a close before the announced length', ends(LENGTH)],
    ['a close before the last chunk', ends(CHUNKED)],
    ['silence within a length', writes(LENGTH), 'hasty.test'],
    ['silence between chunks', writes(CHUNKED), 'hasty.test'],
    ['a chunk every moment, without end', dripChunks, 'hasty.test'],
  ])('%s', async (name, fault, host = 'a.test') => {
    const path = `/broken/${name.replaceAll(' ', '-')}`
    faults.set(path, fault)
    await expect(ask(path, host)).rejects.toThrow(/aborted|hang up|ECONNRESET/)
    faults.delete(path)
    let next = await ask(path, host)
    await until(async () => {
      if (next.status === 504) next = await ask(path, host) // where the machine has stood still for so long
      return next.status !== 504
    }, 'the origin answers in time')
    expect([next.body, next.cacheStatus]).toEqual(['fine', expect.stringMatching(/fwd=/)])
  })

  test('but content that ends with the connection is stored if that closed cleanly', async () => {
    faults.set('/closing', ends(CLOSING))
    expect((await ask('/closing')).body).toBe('abc')
    faults.delete('/closing')
    expect(await ask('/closing')).toMatchObject({ body: 'abc', cacheStatus: expect.stringMatching(/; hit/) })
  })
})

describe('content over TLS', () => {
  let secure: RawOrigin
  let behind: Herdgate
  /** The socket that carries each TLS socket. */
  const carriers = new Map<Socket, Socket>()

  beforeAll(async () => {
    const certificate = selfSigned(['127.0.0.1'])
    const file = join(directory, 'ca.pem')
    await writeFile(file, certificate.cert)
    secure = await rawOrigin(
      ({ socket, head }) => {
        const cut = () => void setImmediate(() => carriers.get(socket)?.destroy())
        if (head.startsWith('GET /cut ')) socket.write(CLOSING, cut)
        else if (head.startsWith('GET /short ')) socket.write(LENGTH, cut)
        else if (head.startsWith('GET /closed ')) socket.end(CLOSING)
        else socket.write(ok('fine', FRESH))
      },
      (onConnection) =>
        createTcpServer((carrier) => {
          const socket = new TLSSocket(carrier, { isServer: true, ...certificate })
          carriers.set(socket, carrier)
          onConnection(socket)
        }),
    )
    const origins = ['--origin', `https://127.0.0.1:${secure.port}`, '--log-level', 'silent']
    behind = await startHerdgate(origins, { NODE_EXTRA_CA_CERTS: file })
  })
  afterAll(async () => {
    await behind.stop()
    await secure.close()
  })

  const asked = (path: string): number => secure.requests.filter(({ head }) => head.startsWith(`GET ${path} `)).length

  test.each(['/cut', '/closed'])('that ends with the connection is never taken as complete: %s', async (path) => {
    for (const times of [1, 2]) {
      await get(behind.url + path).catch(() => {}) // rejects if the content breaks off
      expect(asked(path)).toBe(times)
    }
  })

  test('that is shorter than its length is incomplete for the client', async () => {
    await expect(get(`${behind.url}/short`)).rejects.toThrow(/aborted|hang up|ECONNRESET/)
  })

  test('with a stated length is stored', async () => {
    for (const result of [/fwd=/, /; hit/]) expect((await get(`${behind.url}/fine`)).cacheStatus).toMatch(result)
  })
})

describe('an unreachable origin', () => {
  test.each(['dead.test', 'nameless.test', 'plain.test'])(
    '%s is a 502 or 504 without its address, at once',
    async (host) => {
      const failed = await ask('/x', host)
      expect([502, 504]).toContain(failed.status)
      expect(failed.body).not.toMatch(/127\.0\.0\.1|nobody|ECONN|ENOTFOUND/)
      expect(failed.headers['cache-control']).toBe('no-store')
      expect(failed.totalMs).toBeLessThan(SOON_MS)
    },
  )
})

describe('clock skew', () => {
  const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toUTCString()
  test.each([
    ['Date in the future', `Date: ${inDays(1)}\r\n${FRESH}`],
    ['Date in the past', `Date: ${inDays(-1)}\r\n${FRESH}`],
    ['Age too large for a number', `Age: 99999999999999999999\r\n${FRESH}`],
    ['a negative Age', `Age: -5\r\n${FRESH}`],
    ['Age that is not a number', `Age: soon\r\n${FRESH}`],
    ['Expires that is not a date', `Expires: tomorrow\r\n`],
    ['Expires before Date', `Date: ${inDays(0)}\r\nExpires: ${inDays(-1)}\r\n`],
  ])('%s: the Age of a hit is a number from 0 to 2^31', async (name, fields) => {
    const path = `/clock/${name.replaceAll(' ', '-')}`
    faults.set(path, writes(ok('fine', fields)))
    expect((await ask(path)).status).toBe(200)
    const { status, headers, cacheStatus } = await ask(path)
    expect(status).toBe(200)
    if (!/; hit/.test(cacheStatus)) return
    expect(headers.age).toMatch(/^\d+$/)
    expect(Number(headers.age)).toBeLessThanOrEqual(2 ** 31)
  })
})

test('an idle connection that the origin closes just as the next request is sent does not fail that request', async () => {
  for (let number = 0; number < 20; number++) {
    faults.set(`/race/${number}`, ({ socket, turn }) => void (turn > 0 ? socket.end() : socket.write(ok('fine'))))
    expect((await ask(`/race/${number}`)).body).toBe('fine')
  }
})

test('with two URLs, one of them dead, WebSocket clients try the dead one once', async () => {
  faults.set('/ws', ({ socket }) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'),
  )
  const statuses: string[] = []
  for (let number = 0; number < 6; number++) {
    const socket = connect(Number(new URL(herdgate.url).port), '127.0.0.1')
    socket.write('GET /ws HTTP/1.1\r\nHost: half.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n')
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    statuses.push(chunk.toString('latin1', 9, 12))
    socket.destroy()
  }
  expect(statuses.filter((status) => status === '502').length).toBeLessThanOrEqual(1)
  expect(statuses.filter((status) => status === '101').length).toBeGreaterThanOrEqual(5)
})
