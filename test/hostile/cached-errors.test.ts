/** Errors provoked by one request and served to others (CPDoS): the origin lets its errors be stored for a minute. */
import { expect } from 'vitest'
import { type Attack, get, PASSED, REFUSED, strictly, table } from './attack.ts'

const STRICT = { host: 'strict.test' }
const TOO_LARGE = { answers: [431], closed: true, origin: [], victim: STRICT } as const

/** Herdgate refuses what exceeds its own limits; an error of the origin must not be served to others (RFC 6585). */
const OVERSIZED: readonly Attack[] = [
  { id: 'C1', name: 'a field of 17 kB', ...TOO_LARGE, send: strictly(`X-Big: ${'x'.repeat(17_000)}`) },
  {
    id: 'C1',
    name: '60 fields of 300 octets',
    ...TOO_LARGE,
    send: strictly(...Array.from({ length: 60 }, (_, number) => `X-${number}: ${'x'.repeat(293)}`)),
  },
  { id: 'C1', name: 'a cookie of 20 kB', ...TOO_LARGE, send: strictly(`Cookie: a=${'x'.repeat(20_000)}`) },
  {
    id: 'C1',
    name: 'a target of 20 kB',
    ...TOO_LARGE,
    send: `GET {path}?${'x'.repeat(20_000)} HTTP/1.1\r\nHost: strict.test\r\n\r\n`,
  },
  {
    id: 'C1',
    name: 'a field of 9 kB',
    ...PASSED,
    answers: [431],
    victim: STRICT,
    send: strictly(`X-Big: ${'x'.repeat(9000)}`),
  },
  { id: 'C1', name: '3000 fields', ...TOO_LARGE, send: strictly(...Array.from({ length: 3000 }, () => 'a:')) },
]

const CONTROLS: readonly Attack[] = ['\0', '\x01', '\x07', '\x08', '\n', '\x0b', '\x0c', '\r', '\x1b', '\x7f'].flatMap(
  (octet) => [
    {
      id: 'C2',
      name: `${JSON.stringify(octet)} in a value`,
      ...REFUSED,
      victim: STRICT,
      send: strictly(`X-Metachar: a${octet}b`),
    },
    {
      id: 'C2',
      name: `${JSON.stringify(octet)} at the end of a value`,
      ...REFUSED,
      victim: STRICT,
      send: strictly(`X-Metachar: a${octet}`),
    },
    {
      id: 'C2',
      name: `${JSON.stringify(octet)} in a name`,
      ...REFUSED,
      victim: STRICT,
      send: strictly(`X-Meta${octet}char: a`),
    },
  ],
)

/** Fields that ask for a client's own answer, or concern the connection, do not reach the origin on a shared fetch. */
const PERSONAL: readonly Attack[] = [
  ['Expect: 100-continue', 200],
  ['If-None-Match: *', 304],
  ['If-None-Match: "evil"', 200],
  ['If-None-Match: evil', 200],
  ['If-Modified-Since: Thu, 01 Jan 2037 00:00:00 GMT', 200],
  ['If-Modified-Since: evil', 200],
  ['If-Range: "evil"', 200],
  ['TE: trailers, gzip', 200],
  ['Max-Forwards: 0', 200],
  ['Content-Type: invalid', 200],
  ['Keep-Alive: evil', 200],
  ['Proxy-Connection: evil', 200],
  ['X-HTTP-Method-Override: DELETE', 200],
].map(([line = '', status]) => ({
  id: 'C4',
  name: String(line),
  ...PASSED,
  answers: [Number(status)],
  victim: STRICT,
  send: strictly(String(line)),
}))

const CONDITIONS_OF_ORIGIN: readonly Attack[] = ['If-Match: "evil"', 'If-Match: *', 'If-Unmodified-Since: evil'].map(
  (line) => ({
    id: 'C4',
    name: `${line} is the origin's to judge`,
    ...PASSED,
    answers: [400],
    victim: STRICT,
    send: strictly(line),
  }),
)

/** Errors whose status by definition concerns a single request. */
const BY_STATUS: readonly Attack[] = [407, 408, 412, 416, 417, 421, 425, 428, 429, 431, 511].map((status) => ({
  id: 'C4',
  name: `a ${status} to an unusual request`,
  ...PASSED,
  answers: [status],
  origin: [`GET {path}?status=${status}`],
  victim: { host: 'strict.test', path: `{path}?status=${status}` },
  send: strictly('Accept: evil/evil').replace('{path}', `{path}?status=${status}`),
}))

/** All other errors that the origin marks as cacheable are stored (RFC 9111 section 3), for `errorTtlMax` at most. */
const BOUNDED: readonly Attack[] = [400, 403, 406, 413, 415, 500, 502, 503].flatMap((status) => [
  {
    id: 'C4',
    name: `a ${status} is not kept where errors have no lifetime`,
    ...PASSED,
    answers: [status],
    origin: [`GET {path}?status=${status}`],
    victim: { host: 'brief.test', path: `{path}?status=${status}` },
    send: `GET {path}?status=${status} HTTP/1.1\r\nHost: brief.test\r\nAccept: evil/evil\r\n\r\n`,
  },
  {
    id: 'C4',
    name: `a ${status} is kept for half a minute at most`,
    ...PASSED,
    answers: [status, status],
    origin: [`GET {path}?status=${status}`],
    send: `GET {path}?status=${status} HTTP/1.1\r\nHost: strict.test\r\nAccept: evil/evil\r\n\r\n`.repeat(2),
    also: ([, kept]) => expect(Number(/; ttl=(\d+)/.exec(kept?.head ?? '')?.[1] ?? 0)).toBeLessThanOrEqual(30),
  },
])

const PIPELINED_HITS: readonly Attack[] = [
  {
    id: 'C4',
    name: 'an unusual request for a hit',
    ...PASSED,
    answers: [200, 200, 304],
    send: get() + get('X-HTTP-Method-Override: DELETE', 'Accept: evil/evil') + get('If-None-Match: *'),
  },
]

table('cached errors', [
  ...OVERSIZED,
  ...CONTROLS,
  ...PERSONAL,
  ...CONDITIONS_OF_ORIGIN,
  ...BY_STATUS,
  ...BOUNDED,
  ...PIPELINED_HITS,
])
