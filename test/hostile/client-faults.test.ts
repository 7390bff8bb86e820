/** Effects of one client on others: clients that leave, stall, half-close, or send an unusual first request. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { get } from '../support/http.ts'
import { listen } from '../support/raw-origin.ts'
import { RawClient } from './client.ts'
import { until } from '../support/waiting.ts'

const MIB = 2 ** 20
const FRESH = { 'Cache-Control': 'max-age=60', ETag: '"one"' }

interface Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Has Herdgate aborted the request? */
  left: boolean
}

let server: Server
let herdgate: Herdgate
const asked: Asked[] = []
/** Answers requests if set; otherwise the test does. */
let answer: ((asked: Asked) => void) | undefined

beforeAll(async () => {
  server = createServer((request, response) => {
    const one: Asked = { request, response, left: false }
    response.once('close', () => {
      one.left = !response.writableFinished
    })
    asked.push(one)
    answer?.(one)
  })
  herdgate = await startHerdgate(['--origin', `http://127.0.0.1:${await listen(server)}`, '--log-level', 'silent'])
})
afterAll(async () => {
  await herdgate.stop()
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  asked.length = 0
  answer = undefined
})

let number = 0
const newPath = (): string => `/${number++}`
const request = (path: string, method = 'GET', ...fields: readonly string[]): string =>
  `${[`${method} ${path} HTTP/1.1`, 'Host: a.test', ...fields].join('\r\n')}\r\n\r\n`

const connected = (bodiless = false): Promise<RawClient> =>
  RawClient.connect(Number(new URL(herdgate.url).port), bodiless)

async function ask(path: string, method = 'GET', ...fields: readonly string[]): Promise<RawClient> {
  const client = await connected(method === 'HEAD')
  client.send(request(path, method, ...fields))
  return client
}

const arrived = (count: number): Promise<void> => until(() => asked.length === count, `${count} requests at the origin`)

/** Waits until this many clients wait for an answer, so that some remain when one leaves. */
const waiting = (count: number): Promise<void> =>
  until(async () => (await herdgate.ask('/v1/stats')).body.waiting === count, `${count} clients that wait`)

async function expectNothingUnderWay(): Promise<void> {
  await until(async () => {
    const { inFlight } = (await herdgate.ask('/v1/stats')).body
    const metrics: string = (await herdgate.ask('/metrics')).body
    return inFlight === 0 && /^herdgate_origin_in_flight\{.*\} 0$/m.test(metrics)
  }, 'all counters are back at 0')
  expect(herdgate.child.exitCode).toBeNull()
}

/** The next plain request gets the complete answer, from the origin or the cache as `from` says. */
async function expectPlain(path: string, body: string, from: 'origin' | 'cache'): Promise<void> {
  const before = asked.length
  using client = await ask(path)
  if (from === 'origin') {
    await arrived(before + 1)
    asked.at(-1)?.response.writeHead(200, FRESH).end(body)
  }
  const { responses } = await client.receive(1)
  expect(responses[0]).toMatchObject({ status: 200, body })
  expect(asked).toHaveLength(from === 'origin' ? before + 1 : before)
}

const MANY = 100

describe('all waiters leave', () => {
  test.each([
    ['before the head', 'end'],
    ['before the head', 'reset'],
    ['within the content', 'end'],
    ['within the content', 'reset'],
  ] as const)('%s, with %s: nothing is left behind', async (when, how) => {
    const path = newPath()
    const clients = await Promise.all(Array.from({ length: MANY }, () => ask(path)))
    await arrived(1)
    await waiting(MANY)
    const [{ response } = never()] = asked
    if (when === 'within the content') {
      response.writeHead(200, { ...FRESH, 'Content-Length': 10 }).write('01234')
      await until(() => clients.every(({ received }) => received.endsWith('01234')), 'all have received the beginning')
    }
    for (const client of clients) if (how === 'reset') client.reset()
    for (const client of clients) client[Symbol.dispose]()
    if (!response.headersSent) response.writeHead(200, { ...FRESH, 'Content-Length': 10 }).write('01234')
    response.end('56789')
    await expectNothingUnderWay()
    using client = await ask(path)
    await until(() => client.received !== '' || asked.length === 2, 'it has been kept, or requested again')
    asked[1]?.response.writeHead(200, FRESH).end('0123456789')
    expect((await client.receive(1)).responses[0]).toMatchObject({ status: 200, body: '0123456789' })
    expect(asked.length).toBeLessThanOrEqual(2)
  })

  test('fetches with a single waiter are aborted', async () => {
    const path = newPath()
    const lines = Array.from({ length: 20 }, (_, at) => `Cookie: session=${at}`)
    const clients = await Promise.all(lines.map((line) => ask(path, 'POST', line, 'Content-Length: 0')))
    await arrived(20)
    for (const client of clients) client.reset()
    await until(() => asked.every(({ left }) => left), 'the origin has noticed')
    await expectNothingUnderWay()
    await expectPlain(path, 'plain', 'origin')
  })
})

describe('the first client leaves', () => {
  test.each(['before the head', 'after the head', 'within the content'])(
    '%s: the others get the answer',
    async (when) => {
      const path = newPath()
      using leader = await ask(path)
      await arrived(1)
      const others = await Promise.all(Array.from({ length: 20 }, () => ask(path)))
      await waiting(21)
      const [{ response } = never()] = asked
      const head = { ...FRESH, 'Content-Length': 10 }
      if (when !== 'before the head') {
        response.writeHead(200, head).flushHeaders()
        if (when === 'within the content') response.write('01234')
        const begun = when === 'within the content' ? /01234$/ : /\r\n\r\n$/
        await until(() => [leader, ...others].every(({ received }) => begun.test(received)), 'it has begun')
      }
      leader[Symbol.dispose]()
      if (when === 'before the head') response.writeHead(200, head)
      response.end(when === 'within the content' ? '56789' : '0123456789')
      for (const other of others) {
        expect((await other.receive(1)).responses[0]).toMatchObject({ status: 200, body: '0123456789' })
        other[Symbol.dispose]()
      }
      expect(asked).toHaveLength(1)
      await expectNothingUnderWay()
      await expectPlain(path, '0123456789', 'cache')
    },
  )

  test('and the origin fails: one request is made for all the others, or all get the error', async () => {
    const path = newPath()
    const leader = await ask(path)
    await arrived(1)
    const others = await Promise.all(Array.from({ length: 20 }, () => ask(path)))
    await waiting(21)
    leader[Symbol.dispose]()
    asked[0]?.response.destroy()
    await until(() => asked.length === 2 || others.every(({ received }) => received !== ''), 'it has failed')
    asked[1]?.response.writeHead(200, FRESH).end('answer')
    const statuses = new Set<number | undefined>()
    for (const other of others) {
      statuses.add((await other.receive(1)).responses[0]?.status)
      other[Symbol.dispose]()
    }
    expect([[200], [502]]).toContainEqual([...statuses])
    expect(asked.length).toBeLessThanOrEqual(2)
    await expectNothingUnderWay()
  })
})

describe('a client that leaves during an upload', () => {
  const upload = (path: string, method: string, octets: number): string =>
    request(path, method, 'Content-Type: text/plain', `Content-Length: ${MIB}`) + 'x'.repeat(octets)

  test.each([
    [
      'pipelined behind another whose answer is due',
      request('/due', 'POST', 'Content-Length: 0') + upload('/behind', 'POST', 4),
      1,
    ],
    [
      'pipelined behind another that has been answered',
      request('/answered', 'POST', 'Content-Length: 0') + upload('/behind', 'POST', 4),
      2,
    ],
    ['of a QUERY too long to be keyed by', upload('/long', 'QUERY', 70_000), 1],
  ])('%s: no other client is affected', async (_which, octets, count) => {
    answer = ({ request, response }) => {
      request.resume()
      if (request.url === '/answered') response.end()
    }
    const client = await connected()
    client.send(octets)
    await arrived(count)
    client.reset()
    await until(() => asked.every(({ left, response }) => left || response.writableFinished), 'the origin has noticed')
    await expectNothingUnderWay()
    expect(asked).toHaveLength(count)
    await expectPlain(newPath(), 'plain', 'origin')
  })

  test.each([
    ['with a length', 'Content-Length: 5', 'he'],
    ['in chunks', 'Transfer-Encoding: chunked', '5\r\nhe'],
  ])('which asked for an upgrade, %s: the origin notices', async (_which, framing, octets) => {
    using client = await connected()
    client.send(request(newPath(), 'POST', 'Connection: Upgrade', 'Upgrade: h2c', framing) + octets)
    await arrived(1)
    client.end()
    const { responses } = await client.receive(1)
    expect(responses.map(({ status }) => status)).toEqual([400])
    await until(() => asked[0]?.left === true, 'the origin has noticed')
    await expectNothingUnderWay()
  })
})

test('a first client that does not read delays nobody else', async () => {
  const path = newPath()
  const body = 'x'.repeat(7 * MIB)
  using leader = await connected()
  leader.pause()
  leader.send(request(path))
  await arrived(1)
  const others = Promise.all(Array.from({ length: 4 }, () => get(herdgate.url + path, { headers: { host: 'a.test' } })))
  asked[0]?.response.writeHead(200, FRESH).end(body)
  for (const answer of await others) expect([answer.status, answer.body.length]).toEqual([200, body.length])
  expect(asked).toHaveLength(1)
  leader.resume()
  expect((await leader.receive(1)).responses[0]?.body.length).toBe(body.length)
  await expectNothingUnderWay()
})

test.each([
  ['at once', 10],
  ['for long', MIB],
])('a client that half-closes after its request still gets the answer, read %s', async (_how, length) => {
  const path = newPath()
  using client = await ask(path)
  client.end()
  await arrived(1)
  expect(asked[0]?.left).toBe(false)
  asked[0]?.response.writeHead(200, FRESH).end('x'.repeat(length))
  const { responses } = await client.receive(1)
  expect([responses[0]?.status, responses[0]?.body.length]).toEqual([200, length])
  await expectPlain(path, 'x'.repeat(length), 'cache')
})

test('pipelined requests are answered in order, even if some have to wait', async () => {
  const [slow, quick] = [newPath(), newPath()]
  using client = await connected()
  client.send(request(slow) + request(quick) + request(slow) + request(quick, 'HEAD').replace('HEAD', 'GET'))
  await arrived(2)
  const [first, second] = [...asked].sort(
    (one, other) => Number(other.request.url === slow) - Number(one.request.url === slow),
  )
  second?.response.writeHead(200, FRESH).end('quick')
  expect(client.received).toBe('')
  first?.response.writeHead(200, FRESH).end('slow')
  const { responses } = await client.receive(4)
  expect(responses.map(({ body }) => body)).toEqual(['slow', 'quick', 'slow', 'quick'])
  expect(asked).toHaveLength(2)
})

describe('a client that sends Expect: 100-continue', () => {
  const SMUGGLED = request('/smuggled')
  const expecting = (path: string, length: number) =>
    request(path, 'POST', 'Expect: 100-continue', `Content-Length: ${length}`)
  const contents: string[] = []

  beforeEach(() => {
    contents.length = 0
    answer = ({ request: asking, response }) => {
      let content = ''
      asking.setEncoding('latin1').on('data', (text: string) => (content += text))
      asking.on('end', () => {
        contents.push(content)
        response.writeHead(200, FRESH).end(`answer to ${asking.method}`)
      })
    }
  })

  test('gets 100, and what follows the content is a new request', async () => {
    const [path, next] = [newPath(), newPath()]
    using client = await connected()
    client.send(expecting(path, 5))
    await until(() => client.received !== '', 'the first answer')
    expect(client.received).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    client.send(`hello${request(next)}`)
    const { responses, closed } = await client.receive(2)
    expect(responses.map(({ body }) => body)).toEqual(['answer to POST', 'answer to GET'])
    expect([contents, closed]).toEqual([['hello', ''], false])
    await expectPlain(next, 'answer to GET', 'cache')
  })

  test('and then sends a request instead of content: it is treated as the content', async () => {
    const path = newPath()
    using client = await connected()
    client.send(expecting(path, SMUGGLED.length))
    await until(() => client.received !== '', 'the first answer')
    client.send(SMUGGLED)
    const { responses } = await client.receive(1)
    expect(responses.map(({ body }) => body)).toEqual(['answer to POST'])
    expect(asked.map(({ request: { url } }) => url)).toEqual([path])
    expect(contents).toEqual([SMUGGLED])
    await expectNothingUnderWay()
  })
})

describe('an unusual first request does not affect later ones', () => {
  test.each<[string, string, ...string[]]>([
    ['HEAD', 'HEAD'],
    ['HEAD with a range', 'HEAD', 'Range: bytes=0-0'],
    ['HEAD with a condition', 'HEAD', 'If-None-Match: "one"'],
    ['a condition that holds', 'GET', 'If-None-Match: "one"'],
    ['a condition on anything', 'GET', 'If-None-Match: *'],
    ['a condition on a date', 'GET', 'If-Modified-Since: Thu, 01 Jan 2037 00:00:00 GMT'],
    ['a condition that fails', 'GET', 'If-Match: "two"'],
    ['a date that has passed', 'GET', 'If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT'],
    ['a part', 'GET', 'Range: bytes=0-3'],
    ['a range beyond the end', 'GET', 'Range: bytes=100-'],
    ['a range of another version', 'GET', 'Range: bytes=0-3', 'If-Range: "two"'],
    ['no-store', 'GET', 'Cache-Control: no-store'],
    ['no-cache', 'GET', 'Cache-Control: no-cache'],
    ['OPTIONS', 'OPTIONS'],
    ['POST', 'POST', 'Content-Length: 0'],
    ['DELETE', 'DELETE'],
  ])('%s', async (_what, method, ...fields) => {
    const path = newPath()
    answer = byTheBook
    using odd = await ask(path, method, ...fields)
    const { responses } = await odd.receive(1)
    expect([200, 206, 304, 412, 416]).toContain(responses[0]?.status)

    using next = await ask(path)
    const [plain] = (await next.receive(1)).responses
    expect(plain).toMatchObject({ status: 200, body: '0123456789' })
    expect(plain?.head).not.toMatch(/content-range/i)
    await expectPlain(path, '0123456789', 'cache')
    await expectNothingUnderWay()
  })

  test('nor do such requests affect waiting plain requests', async () => {
    const path = newPath()
    answer = byTheBook
    using head = await ask(path, 'HEAD')
    using part = await ask(path, 'GET', 'Range: bytes=0-3')
    using condition = await ask(path, 'GET', 'If-None-Match: "one"')
    using plain = await ask(path)
    const statuses = [head, part, condition, plain].map(
      async (client) => (await client.receive(1)).responses[0]?.status,
    )
    expect(await Promise.all(statuses)).toEqual([200, 206, 304, 200])
    await expectPlain(path, '0123456789', 'cache')
  })
})

/** Answers as an origin that implements conditions and ranges. */
function byTheBook({ request, response }: Asked): void {
  const { range, 'if-range': ifRange, 'if-none-match': noneMatch, 'if-match': match } = request.headers
  const whole = '0123456789'
  if (match !== undefined && match !== '"one"') return void response.writeHead(412, FRESH).end()
  if (request.headers['if-unmodified-since'] !== undefined) return void response.writeHead(412, FRESH).end()
  if (noneMatch !== undefined || request.headers['if-modified-since'] !== undefined) {
    return void response.writeHead(304, FRESH).end()
  }
  const applies = range !== undefined && request.method === 'GET' && (ifRange ?? '"one"') === '"one"'
  if (!applies) return void response.writeHead(200, { ...FRESH, 'Content-Length': whole.length }).end(whole)
  const [, first = '', last] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? []
  const part = whole.slice(Number(first), last ? Number(last) + 1 : undefined)
  const contentRange = part === '' ? 'bytes */10' : `bytes ${first}-${Number(first) + part.length - 1}/10`
  response.writeHead(part === '' ? 416 : 206, { ...FRESH, 'Content-Range': contentRange }).end(part)
}

function never(): never {
  throw new Error('the origin was not asked')
}
