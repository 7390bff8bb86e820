import { describe, expect, test } from 'vitest'
import { repeatedMember } from '../../../routes/admin/repeated-member.ts'
import { HerdgateError } from '../../../src/errors.ts'
import { ADMIN_TOKEN, fakeAdmin, get, post } from '../../support/admin.ts'
import fc from '../../support/fast-check.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const PROBLEM = 'application/problem+json'

/** The targets the cache gets for a body. */
async function targetsOf(body: object): Promise<unknown> {
  const { app, asked } = fakeAdmin()
  const response = await post(app, '/v1/purge', body)
  expect(response.statusCode, response.body).toBe(200)
  return asked[0]?.targets
}

describe.each(['purge', 'invalidate'] as const)('POST /v1/%s', (verb) => {
  test('passes every selector to the cache, on behalf of admin', async () => {
    const { app, asked } = fakeAdmin()
    const body = { tags: ['a', 'b'], urls: ['https://a.test/x?q=1'], prefixes: ['https://a.test/docs/'], all: true }
    const response = await post(app, `/v1/${verb}`, body)
    expect(response.statusCode).toBe(200)
    const targets = {
      tags: ['a', 'b'],
      urls: ['http://a.test/x?q=1'],
      prefixes: ['http://a.test/docs/'],
      all: true,
      by: 'admin',
    }
    expect(asked).toEqual([{ verb, targets }])
  })

  test('answers with the receipt', async () => {
    const { app } = fakeAdmin()
    const response = await post(app, `/v1/${verb}`, { all: true })
    expect(response.headers['content-type']).toMatch(/^application\/json/)
    const { tookMs, ...receipt } = response.json()
    expect(receipt).toEqual({ id: 'g-7', position: 7, nodes: { expected: 1, acked: 1 } })
    expect(Number.isInteger(tookMs)).toBe(true)
  })

  test.each([`/v1/${verb}`, `/v1/${verb}/tags/a`])(
    'tookMs of %s is how long the log and the nodes took',
    async (path) => {
      let now = 1_000
      const { app, answers } = fakeAdmin({ clock: { now: () => now, after: () => () => {} } })
      answers.append = async () => {
        now += 3_000.4
        return { ...answers.receipt, nodes: { expected: 2, acked: 1 } }
      }
      const body = path.endsWith('a') ? undefined : { all: true }
      expect((await post(app, path, body)).json()).toMatchObject({ tookMs: 3_000 })
    },
  )

  test('answers 202 if a live node has not acknowledged', async () => {
    const { app, answers } = fakeAdmin()
    answers.receipt = { id: 'g-8', position: 8, nodes: { expected: 3, acked: 2 } }
    const response = await post(app, `/v1/${verb}`, { tags: ['a'] })
    expect(response.statusCode).toBe(202)
    expect(response.json()).toMatchObject({ id: 'g-8', position: 8, nodes: { expected: 3, acked: 2 } })
  })

  test('answers 503 with Retry-After if it could not be logged, without saying why', async () => {
    const { app, answers } = fakeAdmin()
    answers.append = async () => {
      throw new Error('connect ECONNREFUSED 10.0.0.5:6379')
    }
    for (const response of [await post(app, `/v1/${verb}`, { tags: ['a'] }), await post(app, `/v1/${verb}/tags/a`)]) {
      expect(response.statusCode).toBe(503)
      expect(response.headers['retry-after']).toBe('1')
      expect(response.headers['content-type']).toBe(PROBLEM)
      expect(response.body).not.toContain('10.0.0.5')
    }
  })

  test('logs no error if it could not be logged: the line about the purge says so', async () => {
    const { app, answers, logged } = fakeAdmin()
    answers.append = () => Promise.reject(new HerdgateError('not_logged'))
    expect((await post(app, `/v1/${verb}`, { tags: ['a'] })).statusCode).toBe(503)
    expect(logged).toEqual([])
  })

  test('accepts one tag in the path, percent-encoded', async () => {
    const { app, asked } = fakeAdmin()
    for (const path of ['products', 'a%2Fb%20c%3Fd', 'caf%C3%A9', 'x'.repeat(256), 'a:b']) {
      expect((await post(app, `/v1/${verb}/tags/${path}`)).statusCode, path).toBe(200)
    }
    const tags = asked.map(({ targets }) => targets.tags?.[0])
    expect(tags).toEqual(['products', 'a/b c?d', 'café', 'x'.repeat(256), 'a:b'])
    expect(asked.every((call) => call.verb === verb && call.targets.by === 'admin')).toBe(true)
  })

  test('needs no content for one tag, and ignores it', async () => {
    const { app, asked } = fakeAdmin()
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await post(app, `/v1/${verb}/tags/a`, '', form)).statusCode).toBe(200)
    expect((await post(app, `/v1/${verb}/tags/a`, '', JSON_TYPE)).statusCode).toBe(200)
    expect((await post(app, `/v1/${verb}/tags/a`, '{"all":true}', JSON_TYPE)).statusCode).toBe(200)
    expect(asked.map(({ targets }) => targets)).toEqual(asked.map(() => ({ tags: ['a'], by: 'admin' })))
    expect(asked).toHaveLength(3)
  })

  test.each([
    ['a tag of 257 bytes', 'x'.repeat(257)],
    ['a tag of 257 bytes in 129 characters', encodeURIComponent('é'.repeat(128) + 'x')],
    ['a tag that is not UTF-8', '%ff'],
    ['a broken escape', '%zz'],
    ['an empty tag', ''],
  ])('refuses %s in the path', async (_what, path) => {
    const { app, asked } = fakeAdmin()
    const response = await post(app, `/v1/${verb}/tags/${path}`)
    expect(response.statusCode).toBe(400)
    expect(response.headers['content-type']).toBe(PROBLEM)
    expect(response.headers['cache-control']).toBe('no-store')
    expect(asked).toEqual([])
  })
})

describe('the body of a purge', () => {
  test.each<[string, unknown, string]>([
    ['an empty object', {}, 'name at least one'],
    ['empty arrays only', { tags: [], urls: [], prefixes: [] }, 'name at least one'],
    ['all: false alone', { all: false }, 'name at least one'],
    ['all: false with empty arrays', { all: false, tags: [] }, 'name at least one'],
    ['an unknown key', { tags: ['a'], tag: 'b' }, 'tag'],
    ['an array', ['a'], 'expected a JSON object'],
    ['a string for tags', { tags: 'a' }, 'tags'],
    ['a number among tags', { tags: ['a', 1] }, 'tags[1]'],
    ['null for urls', { urls: null }, 'urls'],
    ['an object for a url', { urls: [{}] }, 'urls[0]'],
    ['all: "true"', { all: 'true' }, 'all'],
    ['all: 1', { all: 1 }, 'all'],
    ['an empty tag', { tags: [''] }, 'tags[0]: a tag must not be empty'],
    ['a tag of 257 bytes', { tags: ['a', 'x'.repeat(257)] }, 'tags[1]: longer than 256 bytes'],
    ['a tag of 258 bytes in 129 characters', { tags: ['é'.repeat(129)] }, 'tags[0]: longer than 256 bytes'],
    ['257 tags', { tags: Array(257).fill('a') }, '257 items'],
    [
      '257 items of all kinds',
      { tags: Array(255).fill('a'), urls: ['http://a/'], prefixes: ['http://a/'] },
      '257 items',
    ],
    ['a relative URL', { urls: ['/x'] }, 'urls[0]: expected an absolute URL'],
    ['a URL without a host', { urls: ['http:///x'] }, 'urls[0]'],
    ['another scheme', { urls: ['ftp://a.test/'] }, 'urls[0]: expected an absolute URL'],
    ['a host alone', { urls: ['a.test/x'] }, 'urls[0]: expected an absolute URL'],
    ['a URL with user info', { urls: ['http://me@a.test/'] }, 'urls[0]'],
    ['a URL with a fragment', { urls: ['http://a.test/#top'] }, 'urls[0]: a fragment'],
    ['a URL with a space', { urls: ['http://a.test/a b'] }, 'urls[0]'],
    ['a URL with a line feed', { urls: ['http://a.test/a\nb'] }, 'urls[0]'],
    ['a URL of 20 kB', { urls: [`http://a.test/${'x'.repeat(20_000)}`] }, 'urls[0]: longer than'],
    ['a URL with a port out of range', { urls: ['http://a.test:99999/'] }, 'urls[0]'],
    ['a prefix with a query', { prefixes: ['http://a.test/x?y=1'] }, 'prefixes[0]: a prefix must end before the query'],
    ['a prefix with an empty query', { prefixes: ['http://a.test/x?'] }, 'prefixes[0]'],
    ['a prefix with a fragment', { prefixes: ['http://a.test/#x'] }, 'prefixes[0]: a fragment'],
    ['a prefix with a wildcard', { prefixes: ['http://a.test/x/*'] }, 'prefixes[0]: a prefix takes no wildcard'],
    ['a relative prefix', { prefixes: ['/x'] }, 'prefixes[0]'],
  ])('is refused with 400 and the reason: %s', async (_what, body, reason) => {
    const { app, asked } = fakeAdmin()
    const response = await post(app, '/v1/purge', JSON.stringify(body), JSON_TYPE)
    expect(response.statusCode).toBe(400)
    expect(response.headers['content-type']).toBe(PROBLEM)
    expect(response.json()).toMatchObject({ type: 'about:blank', status: 400 })
    expect(response.json().detail).toContain(reason)
    expect(asked).toEqual([])
  })

  test.each([
    ['broken JSON', '{"tags":["a"]'],
    ['nothing', ''],
    ['an attempt on the prototype', '{"tags":["a"],"__proto__":{"admin":true}}'],
    ['another attempt on it', '{"tags":["a"],"constructor":{"prototype":{"admin":true}}}'],
  ])('is refused with 400: %s', async (_what, text) => {
    const { app, asked } = fakeAdmin()
    const response = await post(app, '/v1/purge', text, JSON_TYPE)
    expect(response.statusCode).toBe(400)
    expect(response.headers['content-type']).toBe(PROBLEM)
    expect(response.body).not.toContain('SyntaxError')
    expect(asked).toEqual([])
  })

  test.each([
    ['tags', '{"tags":["a"],"tags":["b"]}'],
    ['tags', '{"tags":["a"],"all":true,"t\\u0061gs" : []}'],
    ['all', '{ "all": true, "tags": ["\\"", "{"], "all": false }'],
  ])('is refused with 400 if it has %s twice, as one of them would be lost', async (name, text) => {
    const { app, asked } = fakeAdmin()
    const response = await post(app, '/v1/purge', text, JSON_TYPE)
    expect(response.statusCode).toBe(400)
    expect(response.json().errors).toEqual([{ at: name, detail: 'given twice' }])
    expect(asked).toEqual([])
  })

  test('may repeat a name in strings and nested values', () => {
    const inner = fc.jsonValue()
    fc.assert(
      fc.property(fc.dictionary(fc.string(), inner), fc.constantFrom('', ' ', '\n\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        expect(repeatedMember(text), text).toBeUndefined()
        for (const name of Object.keys(value)) {
          expect(repeatedMember(text.replace('{', () => `{${JSON.stringify(name)} : 1,`))).toBe(name)
        }
      }),
    )
  })

  test('is required', async () => {
    const response = await post(fakeAdmin().app, '/v1/purge')
    expect(response.statusCode).toBe(400)
    expect(response.json().detail).toContain('expected a JSON object')
  })

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json\ta',
    'application/jsonp',
    'text/plain; application/json',
    ' ',
  ])('is refused with 415 as %j', async (type) => {
    const { app, asked } = fakeAdmin()
    const response = await post(app, '/v1/purge', '{"all":true}', { 'content-type': type })
    expect(response.statusCode).toBe(415)
    expect(response.headers['content-type']).toBe(PROBLEM)
    expect(asked).toEqual([])
  })

  test('is refused with 415 if it is compressed', async () => {
    const { app, asked } = fakeAdmin()
    const response = await post(app, '/v1/purge', '{"all":true}', { ...JSON_TYPE, 'content-encoding': 'gzip' })
    expect(response.statusCode).toBe(415)
    expect(asked).toEqual([])
  })

  test.each(['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON'])(
    'is taken as %s',
    async (type) => {
      const response = await post(fakeAdmin().app, '/v1/purge', '{"all":true}', { 'content-type': type })
      expect(response.statusCode).toBe(200)
    },
  )

  test('is refused with 413 if it is larger than 1 MiB', async () => {
    const { app, asked } = fakeAdmin()
    const response = await post(app, '/v1/purge', `{"all":true,"x":"${'x'.repeat(1024 * 1024)}"}`, JSON_TYPE)
    expect(response.statusCode).toBe(413)
    expect(response.headers['content-type']).toBe(PROBLEM)
    expect(asked).toEqual([])
  })

  test('may contain 256 items, the longest tag, and all: false beside a selector', async () => {
    const tags = Array.from({ length: 256 }, (_, at) => `${at}`.padEnd(256, 'x'))
    expect(await targetsOf({ tags, all: false })).toEqual({ tags, by: 'admin' })
  })

  test('lists a bounded number of faults', async () => {
    const response = await post(fakeAdmin().app, '/v1/purge', { tags: Array(256).fill('') })
    expect(response.json().errors).toHaveLength(10)
    expect(response.json().errors[9]).toEqual({ at: 'tags[9]', detail: 'a tag must not be empty' })
  })
})

describe('URLs in a purge', () => {
  const urlsOf = async (...urls: string[]) => ((await targetsOf({ urls })) as { urls: string[] }).urls

  test('are parsed as the data port parses requests: host in lower case, path and query unchanged', async () => {
    expect(await urlsOf('HTTPS://A.Test./B%2fc/../D?Q=%41')).toEqual(['http://a.test/B%2fc/../D?Q=%41'])
    expect(await urlsOf('http://a.test', 'http://a.test?x=1')).toEqual(['http://a.test/', 'http://a.test/?x=1'])
    expect(await urlsOf('http://[::1]:8080/x')).toEqual(['http://[::1]:8080/x'])
  })

  test('mean the same host with and without its default port, whatever the scheme', async () => {
    expect(await urlsOf('http://a.test:8080/')).toEqual(['http://a.test:8080/'])
    for (const url of ['http://a.test:80/', 'https://a.test:80/']) {
      expect(await urlsOf(url)).toEqual(['http://a.test/', 'https://a.test:80/'])
    }
    for (const url of ['http://a.test:443/', 'https://a.test:443/']) {
      expect(await urlsOf(url)).toEqual(['http://a.test:443/', 'https://a.test/'])
    }
  })

  test.each(['http://a.test/café', 'http://a.test/?q=ü', 'http://a.test/a b', 'http://bücher.test/'])(
    'as people read them are refused with how clients ask for them: %s',
    async (url) => {
      const { app } = fakeAdmin()
      const told = 'expected path and query percent-encoded, and the host as xn--..., as clients send them'
      for (const selectors of [{ urls: [url] }, { prefixes: [url] }]) {
        const { statusCode, body } = await post(app, '/v1/purge', selectors)
        expect(statusCode).toBe(400)
        expect(body).toContain(told)
      }
    },
  )

  test('of any form get 200 or 400, never 5xx', async () => {
    const { app } = fakeAdmin()
    const url = fc.oneof(
      fc.string(),
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      fc.string().map((text) => `http://${text}`),
      fc.string({ unit: 'binary' }).map((text) => `https://a.test/${text}`),
    )
    await fc.assert(
      fc.asyncProperty(url, async (text) => {
        const response = await post(app, '/v1/purge', { urls: [text], prefixes: [text] })
        expect([200, 400]).toContain(response.statusCode)
      }),
      { numRuns: 300 },
    )
  })
})

describe('tags in a purge', () => {
  test('have no wildcards: "*" is the tag "*"', async () => {
    expect(await targetsOf({ tags: ['*'] })).toMatchObject({ tags: ['*'] })
  })
})

test('a token in the query is not accepted', async () => {
  const { app, asked } = fakeAdmin()
  const response = await app.inject({ method: 'POST', url: `/v1/purge/tags/a?access_token=${ADMIN_TOKEN}` })
  expect(response.statusCode).toBe(401)
  expect(asked).toEqual([])
})

test('GET finds nothing, and HEAD does not purge', async () => {
  const { app, asked } = fakeAdmin()
  expect((await get(app, '/v1/purge/tags/a')).statusCode).toBe(405)
  const head = await app.inject({
    method: 'HEAD',
    url: '/v1/purge/tags/a',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  })
  expect(head.statusCode).toBe(405)
  expect(asked).toEqual([])
})
