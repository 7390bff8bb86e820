import type { OpenAPIV3_1 } from 'openapi-types'
import { describe, expect, test } from 'vitest'
import { fakeAdmin, get, post } from '../../support/admin.ts'

describe('probes', () => {
  test('/livez and /healthz say that the process is alive', async () => {
    const { app } = fakeAdmin({ ready: () => ({ ready: false, degraded: [] }) })
    for (const url of ['/livez', '/healthz']) {
      const response = await app.inject(url)
      expect(response.statusCode).toBe(200)
      expect(response.json()).toEqual({ status: 'alive' })
    }
  })

  test('/readyz is 200 when ready', async () => {
    const response = await fakeAdmin().app.inject('/readyz')
    expect(response.statusCode).toBe(200)
    expect(response.json()).toEqual({ status: 'ready' })
  })

  test('/readyz stays 200 when degraded, and names the degraded parts', async () => {
    const { app } = fakeAdmin({ ready: () => ({ ready: true, degraded: ['redis'] }) })
    const response = await app.inject('/readyz')
    expect(response.statusCode).toBe(200)
    expect(response.json()).toEqual({ status: 'ready', degraded: ['redis'] })
  })

  test('/readyz is 503 while not ready', async () => {
    const { app } = fakeAdmin({ ready: () => ({ ready: false, degraded: [] }) })
    const response = await app.inject('/readyz')
    expect(response.statusCode).toBe(503)
    expect(response.headers['content-type']).toBe('application/problem+json')
    expect(response.json()).toMatchObject({ status: 503, title: 'Not ready' })
  })
})

test("/metrics passes on the scraper's Accept, and the content type of the result", async () => {
  const response = await fakeAdmin().app.inject({ url: '/metrics', headers: { accept: 'text/plain;q=0.5' } })
  expect(response.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
  expect(response.body).toBe('accept text/plain;q=0.5\n')
})

const READABLE = [
  '/livez',
  '/healthz',
  '/readyz',
  '/metrics',
  '/openapi.json',
  '/docs',
  '/dashboard',
  '/dashboard/main.js',
  '/dashboard/uPlot.esm.js',
  '/dashboard/panels.json',
  '/v1/explain?url=http://a.test/',
]

describe('methods', () => {
  test.each(READABLE)('HEAD is answered like GET, without content: %s', async (url) => {
    const { app } = fakeAdmin()
    const response = await app.inject({
      method: 'HEAD',
      url,
      headers: { authorization: `Bearer a-token-of-32-characters-or-more` },
    })
    expect(response.statusCode).toBe(200)
    expect(response.body).toBe('')
    expect(response.headers['content-type']).toBe((await get(app, url)).headers['content-type'])
  })

  test.each([
    ['/livez', 'GET, HEAD'],
    ['/readyz', 'GET, HEAD'],
    ['/metrics', 'GET, HEAD'],
    ['/openapi.json', 'GET, HEAD'],
    ['/docs', 'GET, HEAD'],
    ['/v1/stats', 'GET, HEAD'],
    ['/v1/live', 'GET, HEAD'],
    ['/dashboard', 'GET, HEAD'],
    ['/v1/explain', 'GET, HEAD'],
    ['/v1/config/reload', 'POST'],
    ['/v1/purge', 'POST'],
    ['/v1/invalidate/tags/a', 'POST'],
  ])('other methods get 405 and Allow: %s', async (url, allow) => {
    const { app, asked } = fakeAdmin()
    for (const method of [
      'PUT',
      'DELETE',
      'PATCH',
      'OPTIONS',
      'PURGE',
      'PROPFIND',
      ...(allow === 'POST' ? ['GET' as const] : ['POST' as const]),
    ] as const) {
      const headers = { authorization: `Bearer a-token-of-32-characters-or-more`, 'content-type': 'a/b' }
      const response = await app.inject({ method, url, headers, payload: method === 'GET' ? '' : 'x' })
      expect(response.statusCode, method).toBe(405)
      expect(response.headers.allow).toBe(allow)
      expect(response.headers['content-type']).toBe('application/problem+json')
      expect(response.headers).not.toHaveProperty('access-control-allow-origin')
    }
    expect(asked).toEqual([])
  })
})

test.each([
  '/',
  '/purge',
  '/v1/purge/',
  '/V1/purge',
  '//v1/purge',
  '/v1//purge',
  '/x/..;/v1/purge',
  '/docs/static/../../../package.json',
  '/dashboard/',
  '/v1/demo',
])('there is nothing at %s', async (url) => {
  const { app, asked } = fakeAdmin()
  const response = await post(app, url, { all: true })
  expect(response.statusCode).toBe(404)
  expect(response.headers['content-type']).toBe('application/problem+json')
  expect(asked).toEqual([])
})

test('an internal error is 500 without its message, which is in the log', async () => {
  const { app, logged } = fakeAdmin()
  const response = await get(app, '/v1/stats')
  expect(response.statusCode).toBe(500)
  expect(response.json()).toEqual({ type: 'about:blank', title: 'Internal error', status: 500 })
  expect(logged.join('')).toContain('/srv/secret/path')
})

test.each<[status: number, title: string, url: string, headers: Record<string, string>]>([
  [403, 'Forbidden', '/docs/static/a%00b', {}],
  [412, 'Precondition Failed', '/docs/static/swagger-ui.css', { 'if-match': '"x"' }],
  [416, 'Range Not Satisfiable', '/dashboard', { range: 'bytes=99999999-' }],
])('the answer is %i (%s), not an internal error, for %s %j', async (status, title, url, headers) => {
  const { app, logged } = fakeAdmin()
  const response = await get(app, url, headers)
  expect(response.statusCode).toBe(status)
  expect(response.json()).toEqual({ type: 'about:blank', title, status })
  expect(logged).toEqual([])
})

test('no answer may be stored or sniffed', async () => {
  const { app } = fakeAdmin()
  for (const url of [...READABLE, '/docs/static/swagger-ui.css', '/nowhere', '/v1/stats', '/%ff']) {
    const { headers } = await get(app, url)
    expect(headers['cache-control'], url).toBe('no-store')
    expect(headers['x-content-type-options'], url).toBe('nosniff')
  }
})

describe('/openapi.json', () => {
  const document = async (): Promise<OpenAPIV3_1.Document> => (await fakeAdmin().app.inject('/openapi.json')).json()

  test('is OpenAPI 3.1 with every call of the admin port', async () => {
    const { openapi, info, paths = {} } = await document()
    expect(openapi).toBe('3.1.0')
    expect(info.version).toBe('1.2.3')
    const calls = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item ?? {}).map((method) => `${method} ${path}`),
    )
    expect(calls.toSorted()).toEqual([
      'get /healthz',
      'get /livez',
      'get /metrics',
      'get /openapi.json',
      'get /readyz',
      'get /v1/explain',
      'get /v1/live',
      'get /v1/stats',
      'post /v1/config/reload',
      'post /v1/invalidate',
      'post /v1/invalidate/tags/{tag}',
      'post /v1/purge',
      'post /v1/purge/tags/{tag}',
    ])
  })

  test('describes each answer and its content, and which calls need the token', async () => {
    const { paths = {}, tags = [], components } = await document()
    expect(components?.securitySchemes).toEqual({ bearer: { type: 'http', scheme: 'bearer' } })
    for (const [path, item] of Object.entries(paths)) {
      const call = item?.get ?? item?.post
      expect(call?.summary, path).toBeTruthy()
      expect(
        tags.map(({ name }) => name),
        path,
      ).toContain(call?.tags?.[0])
      expect(call?.security, path).toEqual(path.startsWith('/v1') ? [{ bearer: [] }] : undefined)
      const answers = Object.entries(call?.responses ?? {}) as [string, OpenAPIV3_1.ResponseObject][]
      for (const [status, answer] of answers) {
        expect(answer.description, `${path} ${status}`).not.toMatch(/^$|^Default Response$/)
        const types = Object.keys(answer.content ?? {})
        expect(types.length, `${path} ${status}`).toBeGreaterThan(0)
        if (Number(status) >= 400) expect(types).toEqual(['application/problem+json'])
      }
      if (path.startsWith('/v1')) expect(answers.map(([status]) => status)).toContain('401')
    }
    expect(Object.keys(paths['/v1/purge']?.post?.responses ?? {})).toEqual([
      '200',
      '202',
      '400',
      '401',
      '403',
      '405',
      '413',
      '415',
      '429',
      '503',
    ])
  })

  test('refers only to schemas it contains, and contains no unused ones', async () => {
    const described = await document()
    const text = JSON.stringify(described)
    const references = new Set(text.match(/(?<="#\/components\/schemas\/)[^"]+/g))
    expect(new Set(Object.keys(described.components?.schemas ?? {}))).toEqual(references)
    expect(text).not.toContain(String(Number.MAX_SAFE_INTEGER))
  })
})

describe('/docs', () => {
  test('loads everything from the same host, under a policy that forbids anything else', async () => {
    const { app } = fakeAdmin()
    const page = await app.inject('/docs')
    expect(page.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'")
    expect(page.headers['content-security-policy']).not.toContain('http')
    const references = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url = '']) => url)
    expect(references.length).toBeGreaterThan(4)
    for (const url of references) {
      expect(url.startsWith('/docs/static/'), url).toBe(true)
      expect((await app.inject(url)).statusCode, url).toBe(200)
    }
    expect(page.body).not.toMatch(/<script>|<style>| on\w+=/)
  })

  test('loads the same document', async () => {
    const { app } = fakeAdmin()
    expect((await app.inject('/docs/json')).json()).toEqual((await app.inject('/openapi.json')).json())
  })
})
