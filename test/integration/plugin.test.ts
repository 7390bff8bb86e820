import { once } from 'node:events'
import { connect } from 'node:net'
import Fastify from 'fastify'
import { afterEach, expect, test } from 'vitest'
import { heldBytes } from '../../src/body.ts'
import { type Cache, herdgate } from '../../src/index.ts'
import { get, type Origin, startOrigin } from '../support/http.ts'
import { until } from '../support/waiting.ts'

let origin: Origin
const app = { close: async () => {} }

afterEach(async () => {
  await app.close()
  await origin.kill()
})

test('the plugin answers below its prefix from an origin, through a cache of its own', async () => {
  let version = 1
  let cache: Cache | undefined
  origin = await startOrigin((request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=60', 'Surrogate-Key': 'all' }).end(`${request.url} v${version}`)
  })
  const fastify = Fastify()
  app.close = () => fastify.close()
  fastify.get('/own', () => 'of the application')
  fastify.post('/own', (request) => ({ got: request.body }))
  await fastify.register(herdgate, {
    prefix: '/api',
    origin: origin.url,
    onCache: (made) => {
      cache = made
    },
  })
  const url = await fastify.listen({ port: 0, host: '127.0.0.1' })

  expect((await get(`${url}/own`)).body).toBe('of the application')
  for (const path of ['/apiary', '/api-docs/x', '/ap'])
    expect([path, (await get(url + path)).status]).toEqual([path, 404])
  for (const path of ['/api', '/api/', '/api?y=1']) expect((await get(url + path)).body).toBe(`${path} v1`)
  expect(await get(`${url}/api/x?y=1`)).toMatchObject({ status: 200, body: '/api/x?y=1 v1' })
  version = 2
  const hit = await get(`${url}/api/x?y=1`)
  expect(hit).toMatchObject({ body: '/api/x?y=1 v1' })
  expect(hit.cacheStatus).toMatch(/^herdgate; hit; ttl=\d+$/)
  await cache?.purge({ tags: ['all'] })
  expect((await get(`${url}/api/x?y=1`)).body).toBe('/api/x?y=1 v2')

  const headers = { 'content-type': 'application/json' }
  expect((await get(`${url}/own`, { method: 'POST', headers, body: '{"a":1}' })).body).toBe('{"got":{"a":1}}')
  expect((await get(`${url}/api/x`, { method: 'POST', headers, body: '{"a":1}' })).status).toBe(200)
})

test('a URL that the application rewrites is fetched and keyed as rewritten', async () => {
  origin = await startOrigin((request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=60' }).end(request.url)
  })
  let cache: Cache | undefined
  const fastify = Fastify({ rewriteUrl: ({ url = '' }) => url.replace(/^\/v\d/, '/api') })
  app.close = () => fastify.close()
  const onCache = (made: Cache) => {
    cache = made
  }
  await fastify.register(herdgate, { prefix: '/api', origin: origin.url, onCache })
  const url = await fastify.listen({ port: 0, host: '127.0.0.1' })
  expect(await get(`${url}/v1/x?y`)).toMatchObject({ status: 200, body: '/api/x?y' })
  expect((await get(`${url}/v2/x?y`)).cacheStatus).toContain('; hit')
  await cache?.purge({ urls: [`${url}/api/x?y`] })
  expect((await get(`${url}/v1/x?y`)).cacheStatus).toContain('; stored')
})

test('its cache reports what is evicted because memory is full', async () => {
  origin = await startOrigin((_, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=60' }).end('x'.repeat(10_000))
  })
  const reasons = new Set<string>()
  const fastify = Fastify()
  app.close = () => fastify.close()
  await fastify.register(herdgate, {
    origin: origin.url,
    memory: '64KiB',
    onCache: ({ events }) => void events.on('eviction', ({ reason }) => void reasons.add(reason)),
  })
  const url = await fastify.listen({ port: 0, host: '127.0.0.1' })
  for (let n = 0; n < 20; n++) expect((await get(`${url}/${n}`)).status).toBe(200)
  expect(reasons.size).toBeGreaterThan(0)
})

test('behind another Herdgate it needs a name of its own in Via', async () => {
  origin = await startOrigin((request, response) => void response.end(request.headers.via))
  const fastify = Fastify()
  app.close = () => fastify.close()
  await fastify.register(herdgate, { prefix: '/same', origin: origin.url })
  await fastify.register(herdgate, { prefix: '/own', origin: origin.url, via: 'app' })
  const url = await fastify.listen({ port: 0, host: '127.0.0.1' })
  const headers = { via: '1.1 herdgate' }
  expect((await get(`${url}/same`, { headers })).status).toBe(508)
  expect(await get(`${url}/own`, { headers })).toMatchObject({ status: 200, body: '1.1 herdgate, 1.1 app' })
})

test('an option that is undefined counts as left out', async () => {
  origin = await startOrigin((_, response) => void response.writeHead(200, { 'Cache-Control': 'max-age=60' }).end('x'))
  const names = 'match ttl override grace softTimeout refreshAhead cookies tags memory trustProxy via onCache'.split(
    ' ',
  )
  const undefinedOptions: object = Object.fromEntries(names.map((name) => [name, undefined]))
  const fastify = Fastify()
  app.close = () => fastify.close()
  await fastify.register(herdgate, { origin: origin.url, ...undefinedOptions })
  for (const status of ['fwd-status=200; stored', 'hit; ttl=']) {
    expect((await fastify.inject('/x')).headers['cache-status']).toContain(status)
  }
})

test.each([
  [{ match: { path: '/café/*' } }, '/caf%C3%A9/x', 'a.test'],
  [{ match: { host: 'Shop.Example.' } }, '/x', 'shop.example'],
  [{ match: { path: '/x', host: undefined, methods: undefined } }, '/x', 'a.test'],
  [{ trustProxy: ['loopback', '10.0.0.0/8'] }, '/x', 'a.test'],
  [{ cookies: 'RFC', ttl: 60_000, grace: '1h', softTimeout: '300ms', memory: 2 ** 20 }, '/x', 'a.test'],
])('the plugin accepts what a configuration file accepts: %j', async (options, url, host) => {
  origin = await startOrigin((_, response) => void response.writeHead(200, { 'Cache-Control': 'max-age=60' }).end('x'))
  const fastify = Fastify()
  app.close = () => fastify.close()
  await fastify.register(herdgate, { origin: origin.url, ...(options as object) })
  for (const status of ['fwd-status=200; stored', 'hit; ttl=']) {
    expect((await fastify.inject({ url, headers: { host } })).headers['cache-status']).toContain(status)
  }
})

test.each([
  [{ cookies: 'never' }, 'cookies: expected one of safe, rfc, ignore, got "never"'],
  [{ refreshAhead: 80 }, 'refreshAhead: expected a number above 0 and below 1, such as 0.8, got 80'],
  [{ ttl: 'soon' }, 'ttl: expected a duration such as'],
  [{ grace: null }, 'grace: expected a duration such as'],
  [{ softTimeout: {} }, 'softTimeout: expected a duration such as'],
  [{ memory: 'much' }, 'memory: expected a size such as'],
  [{ override: 'false' }, 'override: expected true or false, got "false"'],
  [{ onCache: 5 }, 'onCache: expected a function, got 5'],
  [{ tags: 'catalog' }, 'tags: expected a list, got "catalog"'],
  [{ tags: ['a', ''] }, 'tags[1]: expected a tag of 1 to 256 bytes without control characters, got ""'],
  [{ tags: ['x'.repeat(257)] }, 'tags[0]: expected a tag of 1 to 256 bytes'],
  [{ tags: Array.from({ length: 129 }, (_, n) => `t${n}`) }, 'tags: expected at most 128 tags'],
  [{ match: 'x' }, 'match: expected a map, got "x"'],
  [{ match: { path: 'x' } }, 'match.path: expected a path that begins with "/"'],
  [{ match: { host: 5 } }, 'match.host: expected a host such as shop.example or *.shop.example, got 5'],
  [{ match: { methods: ['get'] } }, 'match.methods[0]: expected a method in upper case, such as GET, got "get"'],
  [{ match: { methods: 'GET' } }, 'match.methods: expected a list, got "GET"'],
  [{ match: { methods: [] } }, 'match.methods: expected at least one method'],
  [{ match: { paths: '/x' } }, 'match.paths: unknown key; did you mean path?'],
  [
    { override: 1, match: { host: '' } },
    'match.host: expected a host such as shop.example or *.shop.example, got ""; ',
  ],
  ...[
    undefined,
    [],
    'localhost:3000',
    'http://me:secret@a.test',
    'http://unix:/run/api.sock',
    'http://a.test:0',
    ['http://a.test', 'http://b.test/?q'],
  ].map((wrong): [object, string] => [
    { origin: wrong },
    'expected "origin" to be one http:// or https:// URL or several',
  ]),
  [{ trustProxy: true }, 'trustProxy: expected a list, got true'],
  ...['localhost', '10.0.0.0/', '10.0.0.0/33'].map((wrong): [object, string] => [
    { trustProxy: [wrong] },
    `trustProxy[0]: expected an IP address, a CIDR block such as 10.0.0.0/8, or "loopback", got "${wrong}"`,
  ]),
])('an invalid option stops the start: %j', async (options, complaint) => {
  const fastify = Fastify()
  app.close = () => fastify.close()
  fastify.register(herdgate, { origin: origin.url, ...options })
  await expect(fastify.ready()).rejects.toThrow(complaint)
})

test('an application that closes does not wait for background fetches', async () => {
  let isHung = false
  const { promise: refreshed, resolve: asked } = Promise.withResolvers<void>()
  origin = await startOrigin((_, response) => {
    if (isHung) return asked()
    response.writeHead(200, { 'Cache-Control': 'max-age=0, stale-while-revalidate=60' }).end('content')
  })
  const fastify = Fastify()
  app.close = async () => {}
  await fastify.register(herdgate, { origin: origin.url })
  const ask = async () => (await fastify.inject('/')).headers['cache-status']
  expect(await ask()).toContain('stored')
  isHung = true
  expect(await ask()).toContain('stale-while-revalidate')
  await refreshed
  await fastify.close()
}, 15_000)

test('an application that closes waits for injected requests, as for those to its server', async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
  const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>()
  origin = await startOrigin((_, response) => {
    ask()
    void mayAnswer.then(() => response.end('content'))
  })
  const fastify = Fastify()
  app.close = async () => {}
  await fastify.register(herdgate, { origin: origin.url })
  const injected = fastify.inject('/').then(({ payload }) => payload)
  await asked
  const closed = fastify.close()
  setImmediate(answer)
  expect(await injected).toBe('content')
  await closed
}, 15_000)

test.each([{ http2: true }, { http2: true, https: { allowHTTP1: true } }])(
  'an application on HTTP/2 is refused: %j',
  async (options: object) => {
    const fastify = Fastify(options)
    app.close = () => fastify.close()
    await expect(async () => fastify.register(herdgate, { origin: origin.url })).rejects.toThrow(
      'herdgate: expected a Fastify instance without "http2": over HTTP/2 the plugin answers nothing',
    )
  },
)

test('requests that Fastify refuses do not reach the origin; methods that the application has added do', async () => {
  origin = await startOrigin((request, response) => void response.end(request.method))
  const fastify = Fastify()
  app.close = () => fastify.close()
  fastify.addHttpMethod('PROPFIND', { hasBody: true })
  await fastify.register(herdgate, { prefix: '/api', origin: origin.url })
  fastify.all('/own', () => 'own')
  const url = await fastify.listen({ port: 0, host: '127.0.0.1' })
  const ask = async (path: string, method: string, type?: string) => {
    const headers = { 'content-length': 1, ...(type !== undefined && { 'content-type': type }) }
    return get(url + path, { method, headers, body: 'x' })
  }
  expect(await ask('/api/x', 'PROPFIND', 'text/xml')).toMatchObject({ body: 'PROPFIND' })
  expect((await ask('/api/x', 'REPORT', 'text/xml')).status).toBe(404)
  expect((await ask('/own', 'REPORT', 'text/xml')).status).toBe(404)
  expect((await ask('/api/x', 'POST', 'none')).status).toBe(415)
  expect((await ask('/api/x', 'QUERY')).status).toBe(400)
  expect((await ask('/api/%zz', 'POST', 'text/plain')).status).toBe(400)
  expect(origin.hits()).toBe(1)
})

test('a stored response that a client is still receiving in several ranges counts as in progress', async () => {
  const size = 7 * 2 ** 20
  let cache: Cache | undefined
  origin = await startOrigin((_request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=60' }).end(Buffer.alloc(size))
  })
  const fastify = Fastify()
  app.close = () => fastify.close()
  await fastify.register(herdgate, { prefix: '/api', origin: origin.url, onCache: (made) => void (cache = made) })
  const url = await fastify.listen({ port: 0, host: '127.0.0.1' })
  await get(`${url}/api`)
  const { host, port } = new URL(url)
  const client = connect(Number(port), '127.0.0.1')
  app.close = () => {
    client.destroy()
    return fastify.close()
  }
  client.write(`GET /api HTTP/1.1\r\nHost: ${host}\r\nRange: bytes=0-${size - 9}, ${size - 4}-\r\n\r\n`)
  await once(client, 'readable')
  expect(String(client.read(12))).toBe('HTTP/1.1 206')
  expect(heldBytes()).toBe(0) // the store counts it
  await cache?.clear()
  await until(() => heldBytes() === size)
  client.destroy()
  await until(() => heldBytes() === 0)
})
