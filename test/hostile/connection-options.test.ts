/** Connection and the hop-by-hop fields (RFC 9110 section 7.6). */
import { fieldLines } from '../../src/fields.ts'
import { type Attack, get, PASSED, REFUSED, request, table } from './attack.ts'
import type { Seen } from './origins.ts'

/** Fields that an attacker names in Connection to have them removed before the origin sees them. */
const NEVER = `
  Host Content-Length Transfer-Encoding Authorization Cookie X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto
  X-Forwarded-Anything Forwarded Via Cache-Control Age Vary Set-Cookie Content-Type Content-Encoding Accept
  Accept-Encoding Accept-Language If-None-Match If-Match If-Range Range Expect Origin Referer User-Agent Pragma Date
  Max-Forwards Surrogate-Capability X-Real-IP X-HTTP-Method-Override
`
  .trim()
  .split(/\s+/)

const FORBIDDEN: readonly Attack[] = [
  ...NEVER.map((name) => ({ id: 'H1', name: `Connection: ${name}`, ...REFUSED, send: get(`Connection: ${name}`) })),
  ...[
    'Connection: close, hOsT',
    'Connection: keep-alive,\tHost\t,',
    'Connection: X-Foo\r\nConnection: Host',
    'Connection: ,,,Host',
    'Connection: content_length',
  ].map((line) => ({ id: 'H1', name: JSON.stringify(line), ...REFUSED, send: get(line) })),
]

const expectGone =
  (...names: readonly string[]) =>
  (_answers: unknown, [seen]: readonly Seen[]): void => {
    for (const name of names) {
      const lines = fieldLines(seen?.fields ?? [], name)
      if (lines.length > 0) throw new Error(`the origin got ${name}: ${lines.join()}`)
    }
  }

const options = (count: number): string => Array.from({ length: count }, (_, number) => `x-${number}`).join()

const REMOVED: readonly Attack[] = [
  {
    id: 'H1',
    name: 'a field of the client that it names is removed',
    ...PASSED,
    send: get('Connection: keep-alive, X-Real-Auth', 'X-Real-Auth: evil'),
    also: expectGone('x-real-auth'),
  },
  {
    id: 'H1',
    name: 'fields before and after it that it names',
    ...PASSED,
    send: get('X-One: evil', 'Connection: x-one', 'Connection: x-two', 'X-Two: evil'),
    also: expectGone('x-one', 'x-two'),
  },
  {
    id: 'H1',
    name: 'its own field, under another spelling',
    ...PASSED,
    send: get('Connection: x-one', 'X_One: evil'),
    also: expectGone('x-one', 'x_one'),
  },
  {
    id: 'H1',
    name: 'fields of the connection go, named or not',
    ...PASSED,
    send: get('Keep-Alive: timeout=9', 'Proxy-Connection: evil', 'TE: gzip, trailers;q=0.5', 'Trailer: evil'),
    also: expectGone('keep-alive', 'proxy-connection', 'trailer'),
  },
  {
    id: 'H1',
    name: 'credentials for a proxy',
    ...PASSED,
    send: get('Proxy-Authorization: Basic evil'),
    also: expectGone('proxy-authorization'),
  },
  {
    id: 'H1',
    name: 'options without meaning',
    ...PASSED,
    send: get('Connection: ,, , keep-alive, "x", __proto__, constructor'),
  },
  { id: 'H1', name: '64 options', ...PASSED, send: get(`Connection: ${options(64)}`) },
  { id: 'H1', name: '65 options', ...REFUSED, send: get(`Connection: ${options(65)}`) },
  { id: 'H1', name: 'the same one a thousand times', ...REFUSED, send: get(`Connection: ${'x,'.repeat(1_000)}`) },
]

const LOOPS: readonly Attack[] = [
  '1.1 herdgate',
  '1.0 a, 1.1 HERDGATE (comment)',
  'HTTP/1.1 herdgate',
  'a\r\nVia: 1.1 herdgate',
].map((value) => ({
  id: 'loop',
  name: `Via: ${JSON.stringify(value)}`,
  answers: [508],
  closed: false,
  origin: [],
  send: get(`Via: ${value}`),
}))

/** RFC 9110 section 7.6.2: a request with 0 is not forwarded, others are with a value one lower. */
const HOPS: readonly Attack[] = [
  {
    id: 'hops',
    name: 'OPTIONS at 0',
    ...PASSED,
    answers: [204],
    origin: [],
    send: request('OPTIONS {path}', 'Max-Forwards: 0'),
  },
  {
    id: 'hops',
    name: 'OPTIONS * at 0',
    ...PASSED,
    answers: [204],
    origin: [],
    send: request('OPTIONS *', 'Max-Forwards: 0'),
  },
  {
    id: 'hops',
    name: 'TRACE at 0',
    ...PASSED,
    answers: [405],
    origin: [],
    send: request('TRACE {path}', 'Max-Forwards: 0', 'Cookie: evil'),
  },
  {
    id: 'hops',
    name: 'OPTIONS at 5',
    ...PASSED,
    origin: ['OPTIONS {path}'],
    send: request('OPTIONS {path}', 'Max-Forwards: 5'),
    also: (_answers, [seen]) => expectHops(seen, '4'),
  },
  {
    id: 'hops',
    name: 'TRACE at 1',
    ...PASSED,
    origin: ['TRACE {path}'],
    send: request('TRACE {path}', 'Max-Forwards: 1'),
    also: (_answers, [seen]) => expectHops(seen, '0'),
  },
  {
    id: 'hops',
    name: 'OPTIONS at 10^30',
    ...PASSED,
    origin: ['OPTIONS {path}'],
    send: request('OPTIONS {path}', `Max-Forwards: 1${'0'.repeat(30)}`),
    also: (_answers, [seen]) => expectHops(seen, '254'),
  },
  {
    id: 'hops',
    name: 'GET at 0 is not counted',
    ...PASSED,
    send: get('Max-Forwards: 0'),
    also: expectGone('max-forwards'),
  },
  ...['-1', '', 'x', '1, 0', '0x1', '1.5', '1\r\nMax-Forwards: 0'].map((value) => ({
    id: 'hops',
    name: `OPTIONS at ${JSON.stringify(value)}`,
    ...REFUSED,
    send: request('OPTIONS {path}', `Max-Forwards: ${value}`),
  })),
  { id: 'hops', name: 'TRACE with content', ...REFUSED, send: `${request('TRACE {path}', 'Content-Length: 4')}evil` },
]

function expectHops(seen: Seen | undefined, hops: string): void {
  const found = fieldLines(seen?.fields ?? [], 'max-forwards').join()
  if (found !== hops) throw new Error(`the origin got Max-Forwards: ${found}`)
}

table('connection options', [...FORBIDDEN, ...REMOVED, ...LOOPS, ...HOPS])
