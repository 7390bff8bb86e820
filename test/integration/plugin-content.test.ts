/** Hooks of an application run before the content of a request is sent on, and may change it. */
import http from 'node:http'
import { connect } from 'node:net'
import { PassThrough, pipeline, Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGunzip, gzipSync } from 'node:zlib'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, expect, test } from 'vitest'
import { herdgate } from '../../src/index.ts'
import { get, type Origin, startOrigin } from '../support/http.ts'

let origin: Origin
let app: FastifyInstance
const lines: string[] = []

afterEach(async () => {
  await app.close()
  await origin.kill()
  lines.length = 0
})

/** An application with hooks, in front of an origin that reports what it got. */
async function start(hooks: (app: FastifyInstance) => void): Promise<string> {
  const answer = async (request: http.IncomingMessage, response: http.ServerResponse) => {
    const content = await buffer(request)
    const { 'content-length': length, 'content-encoding': coding, 'content-type': type } = request.headers
    const got = { bytes: content.length, text: content.subarray(0, 12).toString(), length, coding, type }
    response.writeHead(200, { 'Cache-Control': 'max-age=60' }).end(JSON.stringify(got))
  }
  origin = await startOrigin((request, response) => void answer(request, response))
  app = Fastify({ logger: { level: 'error', stream: { write: (line: string) => void lines.push(line) } } })
  hooks(app)
  await app.register(herdgate, { prefix: '/api', origin: origin.url })
  return app.listen({ port: 0, host: '127.0.0.1' })
}

const TEXT = { 'content-type': 'text/plain' }
const upload = (url: string, body: string, more: http.RequestOptions = {}) =>
  get(`${url}/api/up`, { method: 'POST', headers: { ...TEXT, 'content-length': body.length }, body, ...more })

test.each([20, 100_000, 5_000_000])('the origin gets the stream that a hook returned for %i bytes', async (bytes) => {
  const url = await start((fastify) => {
    fastify.addHook('preParsing', async (_request, _reply, payload) => payload.pipe(new PassThrough()))
    fastify.addHook('preHandler', async () => new Promise((resolve) => setImmediate(resolve)))
  })
  const answer = await upload(url, 'x'.repeat(bytes))
  expect([answer.status, JSON.parse(answer.body)]).toEqual([
    200,
    { bytes, text: 'xxxxxxxxxxxx', type: 'text/plain' }, // its length is no longer known
  ])
})

test('content that a hook has decoded is sent with the headers that the hook has set', async () => {
  const url = await start((fastify) => {
    fastify.addHook('preParsing', async ({ headers }, _reply, payload) => {
      delete headers['content-encoding']
      headers['content-type'] = 'application/json'
      return payload.pipe(createGunzip())
    })
  })
  const request = http.request(`${url}/api/up`, { method: 'POST', headers: { ...TEXT, 'content-encoding': 'gzip' } })
  request.end(gzipSync('decoded'))
  const answer = await new Promise<http.IncomingMessage>((resolve) => request.once('response', resolve))
  expect(JSON.parse((await buffer(answer)).toString())).toEqual({ bytes: 7, text: 'decoded', type: 'application/json' })
})

test.each([
  ['a text', 'made anew'],
  ['octets', Buffer.from('made anew')],
  ['texts in turns', Readable.from(['made', ' ', 'anew'])],
])('%s that a hook sets as the body is sent on', async (_, made) => {
  const url = await start((fastify) => {
    fastify.addHook('preHandler', async (request) => {
      await buffer(request.raw)
      request.body = made
    })
  })
  expect(JSON.parse((await upload(url, 'as it came')).body)).toMatchObject({ bytes: 9, text: 'made anew' })
})

test('a QUERY is keyed by the content that a hook returned', async () => {
  const url = await start((fastify) => {
    fastify.addHook('preParsing', async (_request, _reply, payload) => payload.pipe(new PassThrough()))
  })
  const answers: string[] = []
  for (const body of ['A', 'B', 'A']) {
    const answer = await upload(url, body, { method: 'QUERY' })
    answers.push(`${JSON.parse(answer.body).text} ${answer.cacheStatus.includes('; hit')}`)
  }
  expect(answers).toEqual(['A false', 'B false', 'A true'])
})

test.each([
  ['POST', async (request: Readable) => void (await buffer(request))],
  ['GET', async (request: Readable) => void (await buffer(request))],
  ['QUERY', async (request: Readable) => void request.on('data', () => {})],
])('content of a %s that a hook has read is refused, not sent on truncated', async (method, read) => {
  const url = await start((fastify) => {
    fastify.addHook('preParsing', async (_request, _reply, payload) => {
      await read(payload)
      return payload
    })
  })
  const answer = await upload(url, 'x'.repeat(100), { method })
  expect(answer).toMatchObject({ status: 500, headers: { 'content-type': 'application/problem+json' } })
  expect(origin.hits()).toBe(0)
  expect(lines.join()).toContain('a hook has read the content of the request')
})

test('an object as the body is refused, not sent on', async () => {
  const url = await start((fastify) => {
    fastify.addHook('preHandler', async (request) => {
      request.body = { an: 'object' }
    })
  })
  expect((await upload(url, 'x')).status).toBe(500)
  expect(origin.hits()).toBe(0)
})

test('a hook that only listens to the content takes nothing away from it', async () => {
  let seen = 0
  const url = await start((fastify) => {
    fastify.addHook('preParsing', (_request, _reply, payload, done) => {
      payload.on('data', (chunk: Buffer) => {
        seen += chunk.length
      })
      done(null, payload)
    })
  })
  for (const bytes of [20, 500_000]) {
    seen = 0
    expect(JSON.parse((await upload(url, 'x'.repeat(bytes))).body)).toMatchObject({ bytes, length: String(bytes) })
    expect(seen).toBe(bytes)
  }
})

/** When `pipeline` fails, Node sets the `socket` of the message to null. */
const DECODERS: Record<string, (payload: Readable) => Readable> = {
  pipe: (payload) => payload.pipe(createGunzip()),
  pipeline: (payload) => pipeline(payload, createGunzip(), () => {}),
}

/** Begins to send content that no hook can decode. @returns what was received until the connection closed */
async function sendWrong(url: string, method: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write(
    `${method} /api/x HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/plain\r\nContent-Length: 9000000\r\n\r\n`,
  )
  socket.write('x'.repeat(50_000))
  return text(socket)
}

test.each(
  ['POST', 'QUERY'].flatMap((method) =>
    ['pipe', 'pipeline'].flatMap((by) => [0, 50].map((waitMs) => ({ method, by, waitMs }))),
  ),
)('content that a hook cannot decode is answered 400: %j', async ({ method, by, waitMs }) => {
  const url = await start((fastify) => {
    fastify.addHook('preParsing', async (_request, _reply, payload) => DECODERS[by]?.(payload as Readable) ?? payload)
    fastify.addHook('preHandler', async () => sleep(waitMs))
  })
  expect(await sendWrong(url, method)).toMatch(/^HTTP\/1\.1 400 .*"code":"malformed_request"}$/s)
})

test('a connection is closed when a hook fails to decode content that nobody takes, as it would hang', async () => {
  const url = await start((fastify) => {
    fastify.addHook('preParsing', async (_request, _reply, payload) => DECODERS['pipeline']?.(payload as Readable))
  })
  await origin.kill()
  expect(await sendWrong(url, 'POST')).toMatch(/^HTTP\/1\.1 502 .*"code":"origin_refused"}$/s)
  await origin.start()
})

test('a hook that fails on empty content does not end the process', async () => {
  const url = await start((fastify) => {
    fastify.addHook('preParsing', async ({ method }, _reply, payload) =>
      method === 'GET' ? payload : payload.pipe(createGunzip()),
    )
  })
  expect((await upload(url, '')).status).toBe(200)
  expect((await get(`${url}/api/next`)).status).toBe(200)
})

test('content that a hook leaves unread does not block the connection', async () => {
  const url = await start((fastify) => {
    fastify.addHook('preParsing', async (_request, _reply, payload) => {
      for await (const chunk of payload.iterator({ destroyOnReturn: false })) return Readable.from([chunk])
      return payload
    })
  })
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const sockets = new Set<unknown>()
  agent.on('free', (socket) => sockets.add(socket))
  for (const body of ['x', 'y']) {
    const answer = await upload(url, body.repeat(2_000_000), { agent })
    expect(JSON.parse(answer.body)).toMatchObject({ text: body.repeat(12) })
  }
  expect(sockets.size).toBe(1)
  agent.destroy()
})
