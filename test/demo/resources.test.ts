import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { demoPage } from '../../src/demo/page.ts'
import { products } from '../../src/demo/products.ts'
import { type ApiRequest, answer } from '../../src/demo/resources.ts'

const ask = (path: string, change: Partial<ApiRequest> = {}): ApiRequest => ({
  method: 'GET',
  path,
  query: new URLSearchParams(),
  fields: {},
  content: '',
  now: Date.UTC(2026, 0, 1),
  hits: 1,
  latencyMs: 800,
  products: products(),
  chance: 0.5,
  ...change,
})

describe('a product', () => {
  test('is the same for everybody, tagged, and states when it was generated', () => {
    const reply = answer(ask('/products/42', { hits: 7 }))
    expect(reply.status).toBe(200)
    expect(reply.fields['Surrogate-Key']).toBe('product-42 products')
    expect(reply.fields['Cache-Control']).toBe('public, max-age=10, stale-while-revalidate=30, stale-if-error=600')
    expect(JSON.parse(reply.body)).toMatchObject({
      id: 42,
      version: 1,
      generatedAt: '2026-01-01T00:00:00.000Z',
      originHits: 7,
    })
  })

  test('is not modified for a request that holds its version, by weak comparison', () => {
    const etag = answer(ask('/products/42')).fields['ETag'] ?? ''
    for (const held of [etag, etag.replace('W/', ''), `"other", ${etag}`, '*']) {
      const reply = answer(ask('/products/42', { fields: { 'if-none-match': held } }))
      expect([held, reply.status, reply.body, reply.fields['ETag']]).toEqual([held, 304, '', etag])
    }
    expect(answer(ask('/products/42', { fields: { 'if-none-match': '"other"' } })).status).toBe(200)
  })

  test('has another version and price after a POST, under another entity tag', () => {
    const catalogue = products()
    const before = answer(ask('/products/42', { products: catalogue }))
    expect(answer(ask('/products/42', { method: 'POST', products: catalogue })).status).toBe(200)
    const after = answer(ask('/products/42', { products: catalogue }))
    expect(after.fields['ETag']).not.toBe(before.fields['ETag'])
    expect(JSON.parse(after.body).priceCents).not.toBe(JSON.parse(before.body).priceCents)
    expect(answer(ask('/products/41', { products: catalogue })).body).toContain('"version": 1')
  })

  test('exists only under numbers of up to six digits', () => {
    for (const id of ['abc', '01', '-1', '1000000', '1e3', '%34']) {
      expect([id, answer(ask(`/products/${id}`)).status]).toEqual([id, 404])
      expect([id, answer(ask(`/products/${id}`, { method: 'POST' })).status]).toEqual([id, 404])
    }
  })

  test('allows no other method', () => {
    const reply = answer(ask('/products/42', { method: 'DELETE' }))
    expect([reply.status, reply.fields['Allow']]).toEqual([405, 'GET, HEAD, POST'])
  })

  test('changes are remembered up to a limit, the oldest forgotten first', () => {
    const catalogue = products(2)
    for (const id of ['1', '2', '3']) catalogue.change(id)
    expect(['1', '2', '3'].map((id) => catalogue.find(id)?.version)).toEqual([1, 2, 2])
  })
})

test('the search varies by language and says so', () => {
  const query = new URLSearchParams({ q: 'lamp' })
  const german = answer(ask('/search', { query, fields: { 'accept-language': 'de-AT, en;q=0.5' } }))
  expect([german.fields['Vary'], german.fields['Content-Language']]).toEqual(['Accept-Language', 'de'])
  expect(JSON.parse(german.body).title).toBe('Ergebnisse für "lamp"')
  expect(JSON.parse(answer(ask('/search', { query })).body).title).toBe('Results for "lamp"')
})

test('the search accepts QUERY, and is in the group that a product change invalidates', () => {
  const asked = answer(ask('/search', { method: 'QUERY', content: 'q=lamp' }))
  expect([asked.status, JSON.parse(asked.body).title]).toEqual([200, 'Results for "lamp"'])
  const changed = answer(ask('/products/42', { method: 'POST' }))
  expect(changed.fields['Cache-Group-Invalidation']).toBe(asked.fields['Cache-Groups'])
  const refused = answer(ask('/search', { method: 'PUT' }))
  expect([refused.status, refused.fields['Allow']]).toEqual([405, 'GET, HEAD, QUERY'])
})

test('the flaky resource fails at random, and its failures are not storable', () => {
  const failed = answer(ask('/flaky', { chance: 0.29 }))
  expect([failed.status, failed.fields['Cache-Control']]).toEqual([503, 'no-store'])
  expect(answer(ask('/flaky', { chance: 0.3 })).status).toBe(200)
})

test('the private resource requires Authorization and is private', () => {
  expect(answer(ask('/private')).fields['WWW-Authenticate']).toMatch(/^Bearer/)
  const reply = answer(ask('/private', { fields: { authorization: 'Bearer x' } }))
  expect([reply.status, reply.fields['Cache-Control']]).toEqual([200, 'private, max-age=60'])
})

test("the account's cookie is limited to its own path", () => {
  expect(answer(ask('/account')).fields['Set-Cookie']).toContain('Path=/account;')
})

test('inherited property names are not resources', () => {
  for (const path of ['/constructor', 'constructor', '/__proto__']) expect(answer(ask(path)).status).toBe(404)
})

describe('the page', () => {
  const page = demoPage({ generatedAt: new Date(0), originHits: 3, latencyMs: 800 })
  const script = /<script>([\s\S]*)<\/script>/.exec(page)?.[1] ?? ''
  const emptyElement = () => ({ dateTime: '', textContent: '', addEventListener: () => undefined })

  test('loads nothing from other hosts', () => {
    expect(page).not.toMatch(/(?:src|href)="(?:https?:)?\/\//)
    expect(page).not.toMatch(/@import|url\(/)
  })

  test('states when and how often it was generated, and supports both colour schemes', () => {
    expect(page).toContain('datetime="1970-01-01T00:00:00.000Z"')
    expect(page).toContain('3 times')
    expect(page).toContain('prefers-color-scheme: dark')
  })

  test('links only resources that exist', () => {
    const paths = [...page.matchAll(/href="(\/[^"]*)"/g)].map(([, href]) => (href ?? '').split('?')[0] ?? '')
    expect(paths.length).toBeGreaterThan(9)
    const missing = paths.filter((path) => path !== '/report' && answer(ask(path)).status === 404)
    expect(missing).toEqual([])
  })

  test('states its load time even if its last octets are still arriving when the script runs', () => {
    const took = { textContent: '…' }
    const page = { getElementById: (id: string) => (id === 'took' ? took : emptyElement()), querySelectorAll: () => [] }
    const visit = { requestStart: 10, responseStart: 823, responseEnd: 0 }
    runInNewContext(script, { document: page, performance: { getEntriesByType: () => [visit] } })
    expect(took.textContent).toBe('813 ms')
  })

  test('carries a script that parses', () => {
    expect(script.length).toBeGreaterThan(100)
    // oxlint-disable-next-line typescript/no-implied-eval -- parsed, never called
    expect(() => new Function(`return async () => {${script}}`)).not.toThrow()
  })
})
