/**
 * Attacks on the admin API (docs/security.md, "Admin port"): requests for it on the data port, and tricks on the admin
 * port.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MAX_FIELDS } from '../../src/policy/head.ts'
import { MAX_PIPELINED } from '../../src/ports/pipelining.ts'
import { type Herdgate, startHerdgate, TOKEN } from '../support/herdgate.ts'
import { type Attack, PASSED, REFUSED, request, table } from './attack.ts'
import { RawClient } from './client.ts'
import { startEcho, type HostileOrigin } from './origins.ts'

const BEARER = `Authorization: Bearer ${TOKEN}`
const JSON_TYPE = 'Content-Type: application/json'

const withContent = (line: string, content: string, ...fields: readonly string[]): string =>
  request(line, ...fields, `Content-Length: ${Buffer.byteLength(content, 'latin1')}`) + content

/** The data port has no admin routes: all requests go to the origin or nowhere. */
const proxied = (line: string): Attack => ({
  id: 'data port',
  name: line,
  ...PASSED,
  bodiless: line.startsWith('HEAD'),
  last: line.startsWith('HEAD'),
  origin: [line],
  send: withContent(line, '{"all":true}', BEARER, JSON_TYPE),
})

const PATHS = `
  /purge /v1/purge /v1/invalidate /v1/purge/tags/a //purge //v1/purge /./v1/purge /v1/./purge /x/../v1/purge
  /%76%31/purge /v1/%70urge /v1/purge/ /v1/purge%2f /v1%2fpurge /V1/PURGE /x/..;/v1/purge /v1/purge? /v1/purge;x
  /v1/stats /v1/explain?url=http://a.test/ /metrics /livez /healthz /readyz /openapi.json /docs /docs/static/index.html
`
  .trim()
  .split(/\s+/)

table('the data port', [
  ...PATHS.flatMap((path) => ['POST', 'GET', 'HEAD', 'OPTIONS', 'PUT'].map((method) => proxied(`${method} ${path}`))),
  proxied('PURGE {path}'),
  proxied('PURGE /*'),
  { id: 'data port', name: 'BAN is an unknown method', ...REFUSED, send: request('BAN {path}') },
  {
    id: 'data port',
    name: 'the absolute form of another authority',
    ...REFUSED,
    send: request('POST http://admin/v1/purge', BEARER, 'Content-Length: 0'),
  },
  {
    id: 'data port',
    name: 'the admin port as Host',
    answers: [421],
    closed: false,
    origin: [],
    send: `POST /v1/purge HTTP/1.1\r\nHost: 127.0.0.1:9090\r\n${BEARER}\r\nContent-Length: 0\r\n\r\n`,
  },
  {
    id: 'data port',
    name: 'fields that name another target, host or client',
    ...PASSED,
    origin: ['GET {path}'],
    send: request('GET {path}', 'X-Original-URL: /v1/purge', 'X-Rewrite-URL: /v1/purge', 'X-Forwarded-For: 127.0.0.1'),
  },
])

interface Trick {
  readonly name: string
  readonly send: string
  readonly answers: readonly number[]
  /** Does it invalidate, with valid authorisation? */
  readonly purges?: boolean
}

const SELECTORS = '{"all":true}'
const purge = (content: string, ...fields: readonly string[]): string =>
  withContent('POST /v1/purge', content, ...fields)

/** Values sent instead of the token. */
const TOKENS: readonly Trick[] = [
  [],
  ['Authorization:'],
  ['Authorization: Bearer'],
  ['Authorization: Bearer '],
  [`Authorization: ${TOKEN}`],
  [`Authorization: Basic ${TOKEN}`],
  [`Authorization: Basic ${Buffer.from(`admin:${TOKEN}`).toString('base64')}`],
  [`Authorization: Bearer ${TOKEN.slice(0, -1)}`],
  [`Authorization: Bearer ${TOKEN}x`],
  [`Authorization: Bearer ${TOKEN.slice(0, -1)}X`],
  [`Authorization: Bearer ${TOKEN.toUpperCase()}`],
  [`Authorization: Bearer "${TOKEN}"`],
  [`Authorization: Bearer ${TOKEN}, Bearer ${TOKEN}`],
  [`Authorization: Bearer ${TOKEN} x`],
  [`Authorization: Bearer\xa0${TOKEN}`],
  [`Authorization: Bearer\t${TOKEN}`],
  [BEARER, BEARER],
  ['Authorization: Bearer wrong', BEARER],
  [BEARER, 'Authorization: Bearer wrong'],
  [BEARER, 'authorization:'],
  [`Authorization_: Bearer ${TOKEN}`],
  [`X-Authorization: Bearer ${TOKEN}`],
  [`Proxy-Authorization: Bearer ${TOKEN}`],
  [`Cookie: authorization=Bearer ${TOKEN}; token=${TOKEN}`],
  ['X-Forwarded-For: 127.0.0.1', 'X-Real-IP: 127.0.0.1', 'Forwarded: for=127.0.0.1'],
  ['X-Original-URL: /livez', 'X-HTTP-Method-Override: GET'],
  [`Authorization: Bearer ${'x'.repeat(8000)}`],
].map((fields) => ({
  name: fields.join(' | ').slice(0, 80) || 'nothing at all',
  send: purge(SELECTORS, JSON_TYPE, ...fields),
  answers: [401],
}))

/** With Host one more than a head may have. */
const FIELDS = Array.from({ length: MAX_FIELDS }, () => 'X: x')

const TOO_LONG: readonly Trick[] = [
  {
    name: 'a token of 1 MB',
    send: purge(SELECTORS, JSON_TYPE, `Authorization: Bearer ${'x'.repeat(1024 * 1024)}`),
    answers: [431],
  },
  { name: 'one field too many', send: request('GET /livez', ...FIELDS), answers: [431] },
  { name: 'far too many fields', send: request('GET /livez', ...FIELDS, ...FIELDS), answers: [431] },
  { name: 'a path of 20 kB', send: request(`POST /v1/purge/tags/${'x'.repeat(20_000)}`, BEARER), answers: [431] },
]

/** The token outside its field, and other spellings of the guarded paths. */
const ELSEWHERE: readonly Trick[] = [
  {
    name: 'the token in the query',
    send: request(`POST /v1/purge/tags/a?access_token=${TOKEN}&token=${TOKEN}`),
    answers: [401],
  },
  {
    name: 'the token in content',
    send: withContent('POST /v1/purge', `{"all":true,"token":"${TOKEN}"}`, JSON_TYPE),
    answers: [401],
  },
  ...[
    'POST //v1/purge',
    'POST /./v1/purge',
    'POST /x/../v1/purge',
    'POST /v1//purge',
    'POST /v1/purge/',
    'POST /v1/purge%2f',
    'POST /v1%2fpurge',
    'POST /%76%31/purge',
    'POST /V1/purge',
    'POST /v1/PURGE',
    'POST /v1/x/..;/purge',
    'POST /v1;x/purge',
    'GET /v1/stats/',
    'GET //v1/stats',
    'GET /livez/../v1/stats',
    'GET /v1/purge',
    'PUT /v1/purge',
    'OPTIONS /v1/purge',
    'TRACE /v1/purge',
    'PURGE /v1/purge',
    'HEAD /v1/purge',
    'HEAD /v1/stats',
    'HEAD /v1/explain?url=http://a.test/kept',
    'OPTIONS /v1/stats',
    'OPTIONS *',
    'POST http://a.test/v1/purge',
    'POST http://127.0.0.1/v1/purge',
    'GET http://a.test/v1/stats',
  ].map((line) => ({ name: line, send: request(line, 'Content-Length: 0'), answers: [401, 404, 405, 400] })),
]

/** What a page in a browser can send without a CORS preflight, and what only resembles JSON. */
const TYPES: readonly Trick[] = [
  ['text/plain', 415],
  ['text/plain; charset=utf-8', 415],
  ['application/x-www-form-urlencoded', 415],
  ['multipart/form-data; boundary=x', 415],
  ['', 415],
  ['application/jsonp', 415],
  ['application/json/x', 415],
  ['xapplication/json', 415],
  ['text/plain; application/json', 415],
  ['text/plain, application/json', 415],
  ['application\t/json', 415],
  ['application/ json', 415],
  ['*/*', 415],
  ['application/xml', 415],
  ['application/vnd.api+json', 415],
].map(([type, status]) => ({
  name: `content of type ${JSON.stringify(type)}`,
  send: purge(SELECTORS, BEARER, `Content-Type: ${type}`),
  answers: [Number(status)],
}))

const ENCODINGS: readonly Trick[] = [
  { name: 'no type', send: purge(SELECTORS, BEARER), answers: [415] },
  { name: 'two types', send: purge(SELECTORS, BEARER, JSON_TYPE, 'Content-Type: text/plain'), answers: [400, 415] },
  { name: 'compressed content', send: purge(SELECTORS, BEARER, JSON_TYPE, 'Content-Encoding: gzip'), answers: [415] },
  { name: 'no content', send: request('POST /v1/purge', BEARER, JSON_TYPE), answers: [400] },
  {
    name: 'more than 1 MiB',
    send: purge(`{"tags":["${'x'.repeat(1024 * 1024)}"]}`, BEARER, JSON_TYPE),
    answers: [413],
  },
]

const CONTENTS: readonly Trick[] = [
  '{"__proto__":{"admin":true},"all":true}',
  '{"constructor":{"prototype":{"all":true}}}',
  '{"all":true,"__proto__":null}',
  '{"all":true,"\\u005f_proto__":{"x":1}}',
  '{"all":"true"}',
  '{"all":1}',
  '{"all":[true]}',
  '{"all":true,"scope":"*"}',
  '{"tags":[["a"]]}',
  '{"tags":{"0":"a","length":1}}',
  '{"tags":"a"}',
  '{"tags":[""]}',
  '{"tags":[null]}',
  '{"tags":[{"toString":"a"}]}',
  `{"tags":["${'x'.repeat(257)}"]}`,
  `{"tags":${JSON.stringify(Array.from({ length: 257 }, (_, number) => `t${number}`))}}`,
  '{"urls":["/x"]}',
  '{"urls":["//a.test/x"]}',
  '{"urls":["file:///etc/passwd"]}',
  '{"urls":["http://u:p@a.test/x"]}',
  '{"urls":["http://a.test/\\r\\nX: y"]}',
  '{"urls":["http://a.test/#x"]}',
  '{"prefixes":["http://a.test/*"]}',
  '{"prefixes":["http://a.test/?x"]}',
  '[]',
  '[{"all":true}]',
  '"all"',
  'null',
  'true',
  '{}',
  '{"all":true',
  '{"all":true}}',
  "{'all':true}",
  '{"all":true}\0',
  '\xef\xbb\xbf{}',
  '{"tags":["caf\xe9"]}',
  '{"tags":["a\xc0\x80"]}',
  '{"tags":["\xed\xa0\xbd"]}',
  '['.repeat(100_000),
  `{"tags":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
].map((content) => ({
  name: content.slice(0, 60),
  send: purge(content, BEARER, JSON_TYPE),
  answers: [400],
}))

/** Selectors are literal: no stored response has such a tag or URL. */
const LITERAL: readonly Trick[] = [
  '{"tags":["*"]}',
  '{"tags":["{}","__proto__","constructor","a b","a,b","a\\nb","\\u0000","\\ud83d\\ude00"]}',
  '{"urls":["http://a.test/kep*"]}',
  '{"urls":["http://a.test/KEPT"]}',
  '{"urls":["http://a.test/kept?"]}',
  '{"urls":["http://other.test/kept"]}',
  '{"prefixes":["http://a.test/kep"]}',
].map((content) => ({ name: content, send: purge(content, BEARER, JSON_TYPE), answers: [200], purges: true }))

const FRAMINGS: readonly Trick[] = [
  {
    name: 'length and chunks',
    send: `${request('POST /v1/purge', BEARER, JSON_TYPE, 'Content-Length: 3', 'Transfer-Encoding: chunked')}c\r\n${SELECTORS}\r\n0\r\n\r\n`,
    answers: [400],
  },
  {
    name: 'two lengths',
    send: `${request('POST /v1/purge', BEARER, JSON_TYPE, 'Content-Length: 12', 'Content-Length: 3')}${SELECTORS}`,
    answers: [400],
  },
  { name: 'a token after a bare CR', send: purge(SELECTORS, JSON_TYPE, `X: a\r${BEARER}`), answers: [400] },
  { name: 'a token after a bare LF', send: purge(SELECTORS, JSON_TYPE, `X: a\n${BEARER}`), answers: [400] },
  { name: 'a folded token', send: purge(SELECTORS, JSON_TYPE, 'Authorization: Bearer', ` ${TOKEN}`), answers: [400] },
  {
    name: 'a token in a trailer',
    send: `${request('POST /v1/purge', JSON_TYPE, 'Transfer-Encoding: chunked')}c\r\n${SELECTORS}\r\n0\r\n${BEARER}\r\n\r\n`,
    answers: [401],
  },
  { name: 'a fragment', send: request('POST /v1/purge/tags/a#b', BEARER, 'Content-Length: 0'), answers: [400] },
  { name: 'CONNECT', send: request('CONNECT a.test:80', BEARER), answers: [405] },
  { name: 'HTTP/2', send: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', answers: [400] },
]

describe('the admin port', () => {
  let origin: HostileOrigin
  let herdgate: Herdgate
  let port: number

  beforeAll(async () => {
    origin = await startEcho([])
    herdgate = await startHerdgate(['--origin', origin.url])
    port = Number(new URL(herdgate.admin).port)
    await kept()
  })
  afterAll(async () => {
    await herdgate.stop()
    await origin.close()
  })

  /** The Cache-Status a plain client gets for the page that no trick may purge: `hit` or `fwd`. */
  async function kept(): Promise<string> {
    using client = await RawClient.connect(Number(new URL(herdgate.url).port))
    client.send('GET /kept HTTP/1.1\r\nHost: a.test\r\n\r\n')
    const { responses } = await client.receive(1)
    return /^cache-status: herdgate; (\w+)/im.exec(responses[0]?.head ?? '')?.[1] ?? ''
  }

  const rows = [...TOKENS, ...TOO_LONG, ...ELSEWHERE, ...TYPES, ...ENCODINGS, ...CONTENTS, ...LITERAL, ...FRAMINGS]
  test.for(rows)('$name', async ({ send, answers, purges = false }) => {
    const before = (await herdgate.ask('/v1/stats')).body
    const isHead = send.startsWith('HEAD ')
    using client = await RawClient.connect(port, isHead)
    client.send(send)
    const { responses, text } = await client.receive(1)
    const [answer] = responses
    if (answers.length === 0) expect(responses).toEqual([])
    else expect(answers).toContain(answer?.status)
    if (answer !== undefined && answer.status >= 400) {
      expect(answer.head).toMatch(/^content-type: application\/problem\+json$/im)
      expect(answer.head).toMatch(/^cache-control: no-store$/im)
      expect(text).not.toContain(TOKEN)
      expect(text).not.toMatch(/node_modules|\.ts:|127\.0\.0\.1/)
    }
    if (answer?.status === 401 && !isHead)
      expect(answer.body).toBe('{"type":"about:blank","status":401,"title":"Unauthorized"}')

    const after = (await herdgate.ask('/v1/stats')).body
    expect(after.purges.purge - before.purges.purge).toBe(purges ? 1 : 0)
    expect(after.log.position - before.log.position).toBe(purges ? 1 : 0)
    expect(await kept()).toBe('hit')
    expect(herdgate.child.exitCode).toBeNull()
    expect(Object.prototype).not.toHaveProperty('admin')
  })

  test('accepts no more pipelined requests than the data port, without resetting connections', async () => {
    using client = await RawClient.connect(port)
    client.send('POST /v1/purge/tags/many HTTP/1.1\r\nHost: a.test\r\n\r\n'.repeat(20_000))
    const { responses, closed } = await client.receive(20_000)
    const statuses = responses.map(({ status }) => status)
    expect(statuses).toEqual([...Array.from({ length: MAX_PIPELINED + 1 }, () => 401), 503])
    expect(closed).toBe(true)
    client.end()
    await client.gone()
    expect(client.failure).toBeUndefined()
  })

  test('answers 408 to a head not completed in 10 s, before 15 s have passed', async () => {
    using client = await RawClient.connect(port)
    const begunAt = performance.now()
    client.send('GET /v1/stats HTTP/1.1\r\nHost: a.test\r\n')
    const { responses, closed } = await client.receive(2)
    expect([responses.map(({ status }) => status), closed]).toEqual([[408], true])
    expect(Math.round((performance.now() - begunAt) / 1_000)).toBeGreaterThanOrEqual(10)
    expect(performance.now() - begunAt).toBeLessThan(15_000)
  })

  test('serves authorised calls, and logs them', async () => {
    expect(await herdgate.ask('/v1/purge', { urls: ['http://a.test/kept'] })).toMatchObject({ status: 200 })
    expect(await kept()).toBe('fwd')
    const audit = herdgate.lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'purge')
    expect(audit.at(-1)).toMatchObject({ by: 'admin', mode: 'purge', outcome: 'done' })
    expect(herdgate.lines.join()).not.toContain(TOKEN)
  })
})
