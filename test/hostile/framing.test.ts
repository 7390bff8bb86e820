/** Where a request ends (RFC 9112 sections 2 to 7): a recipient that disagrees about it sees another request. */
import { expect } from 'vitest'
import { type Attack, get, PASSED, REFUSED, request, table } from './attack.ts'

/** Content that resembles a request, for a recipient that mistakes it for one. */
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n'

const post = (...fields: readonly string[]): string => request('POST {path}', ...fields)
const refused = (id: string, name: string, send: string): Attack => ({ id, name, ...REFUSED, send })
/** The content did not arrive together with the head, so the origin may have seen the request. */
const posted = (id: string, name: string, send: string): Attack => ({
  id,
  name,
  ...PASSED,
  origin: ['POST {path}'],
  send,
})

const LENGTH_AND_CODING: readonly Attack[] = [
  refused('S1', 'CL.TE', `${post('Content-Length: 6', 'Transfer-Encoding: chunked')}0\r\n\r\nG`),
  refused(
    'S1',
    'CL.TE with a request behind',
    `${post('Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n${SMUGGLED}`,
  ),
  refused('S1', 'CL.TE, and a length of 0', `${post('Content-Length: 0', 'Transfer-Encoding: chunked')}0\r\n\r\n`),
  refused('S2', 'TE.CL', `${post('Transfer-Encoding: chunked', 'Content-Length: 3')}8\r\nSMUGGLED\r\n0\r\n\r\n`),
  refused('S2', 'TE.CL in GET', `${get('Transfer-Encoding: chunked', 'Content-Length: 3')}8\r\nSMUGGLED\r\n0\r\n\r\n`),
  refused('S2', 'TE.CL in a field with "_"', `${post('Transfer-Encoding: chunked', 'Content_Length: 3')}0\r\n\r\n`),
]

const CODINGS: readonly Attack[] = [
  'xchunked',
  'chunkedx',
  'chunked;a=b',
  'chunked; a=b',
  'chunked, identity',
  'x, chunked',
  'gzip, chunked',
  'identity, chunked',
  'chunked, chunked',
  ',chunked',
  'chunked,',
  ' , chunked',
  '',
  ' ',
  'identity',
  'gzip',
  '"chunked"',
  "'chunked'",
  'chunk\u00e9d',
  'chu\u212aed',
  '\x0bchunked',
  'chunked\x0b',
  '\x0cchunked',
  '\x00chunked',
  'chunked\x00',
  'chunked\r',
  'chunked\rX: y',
  'chunked\n\tx',
  'x\r\n\tchunked',
  'chunked\r\nTransfer-Encoding: cow',
  'cow\r\nTransfer-Encoding: chunked',
  'chunked\r\nTransfer-Encoding: chunked',
  'chunked\r\nTransfer-Encoding:',
]
  .map((value) => value.replace('\u212a', '\xe2\x84\xaa'))
  .map((value) =>
    refused('S3', `TE: ${JSON.stringify(value)}`, `${post(`Transfer-Encoding: ${value}`)}0\r\n\r\n${SMUGGLED}`),
  )

const CODING_LINES: readonly Attack[] = [
  'Transfer-Encoding : chunked',
  'Transfer-Encoding\t: chunked',
  'Transfer-Encoding\x0b: chunked',
  ' Transfer-Encoding: chunked',
  '\tTransfer-Encoding: chunked',
  'X: a\r\n Transfer-Encoding: chunked',
  'X: a\rTransfer-Encoding: chunked',
  'X: a\nTransfer-Encoding: chunked',
  'X: a\r\r\nTransfer-Encoding: chunked',
  'Transfer_Encoding: chunked',
  'Transfer-Encoding\x00: chunked',
  'Transfer-Encoding\x85: chunked',
  'Transfer Encoding: chunked',
  'Transfer-Encoding chunked',
  'Transfer-Encoding',
  ': chunked',
  '(Transfer-Encoding): chunked',
  'Transfer-Encoding:\n chunked',
].map((line) => refused('S3', JSON.stringify(line), `${post(line)}0\r\n\r\n${SMUGGLED}`))

const GOOD_CODINGS: readonly Attack[] = ['chunked', 'Chunked', 'CHUNKED', '\t chunked'].map((value) =>
  posted(
    'S3',
    `TE: ${JSON.stringify(value)} is what it says`,
    `${post(`Transfer-Encoding: ${value}`)}2\r\nok\r\n0\r\n\r\n`,
  ),
)

const LENGTHS: readonly Attack[] = [
  '5, 5',
  '5, 6',
  '5,5',
  '5,',
  ',5',
  '+5',
  '-1',
  '-0',
  '0x5',
  '0X5',
  '0o5',
  '5_0',
  '5 0',
  '5.0',
  '5e0',
  '5;a',
  '005',
  '00',
  '',
  ' ',
  '\t',
  '5\x00',
  '\x005',
  '5\x0b',
  '5\r',
  '5\r\n 0',
  '\xb5',
  '\xd9\xa5',
  '5\r\nContent-Length: 10',
  '5\r\nContent-Length: 5',
  '5\r\nContent-Length:',
  '5\r\nContent_Length: 5',
  '18446744073709551615',
  '18446744073709551616',
  '18446744073709551621',
  '99999999999999999999',
].map((value) => refused('S4', `CL: ${JSON.stringify(value)}`, `${post(`Content-Length: ${value}`)}hello${SMUGGLED}`))

const LENGTH_LINES: readonly Attack[] = [
  'Content-Length : 5',
  'Content-Length\t: 5',
  ' Content-Length: 5',
  'Content-Length\x85: 5',
  'Content-Length\x00: 5',
  'Content_Length: 5',
  'Content Length: 5',
  'Content-Length 5',
  'X: a\r\n Content-Length: 5',
  'X: a\nContent-Length: 5',
  'X: a\rContent-Length: 5',
].map((line) => refused('S4', JSON.stringify(line), `${post(line)}hello${SMUGGLED}`))

const GOOD_LENGTHS: readonly Attack[] = [
  posted('S4', 'CL: "5 " is 5', `${post('Content-Length: 5 ')}hello`),
  posted('S4', 'CL: 0 is 0', post('Content-Length: 0')),
  posted('S4', 'no length is none', post()),
]

/** Content where none is expected: a request hidden in it stays content. */
const UNREAD: readonly Attack[] = [
  {
    id: 'S5',
    name: 'content of a GET that would be a hit',
    answers: [200, 200],
    closed: false,
    origin: ['GET {path}', 'GET {path}'],
    send: `${get()}${get(`Content-Length: ${SMUGGLED.length}`)}${SMUGGLED}`,
    also: (_answers, seen) => expectContent(seen[1]?.content),
  },
  {
    id: 'S5',
    name: 'content of a GET for a host that is not served',
    answers: [421],
    closed: false,
    origin: [],
    send: `GET {path} HTTP/1.1\r\nHost: evil\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
  },
  {
    id: 'S5',
    name: 'content of a request that has passed through here before',
    answers: [508],
    closed: false,
    origin: [],
    send: `${post('Via: 1.1 herdgate', `Content-Length: ${SMUGGLED.length}`)}${SMUGGLED}`,
  },
  {
    id: 'S5',
    name: 'content of HEAD',
    ...PASSED,
    bodiless: true,
    last: true,
    origin: ['HEAD {path}'],
    send: `${request('HEAD {path}', `Content-Length: ${SMUGGLED.length}`)}${SMUGGLED}`,
  },
  {
    id: 'S5',
    name: 'content of OPTIONS *',
    ...REFUSED,
    send: `${request('OPTIONS *', `Content-Length: ${SMUGGLED.length}`)}${SMUGGLED}`,
  },
  {
    id: 'P4',
    name: 'a fat GET',
    ...PASSED,
    origin: ['GET {path}?x=1'],
    victim: { path: '{path}?x=1' },
    send: `${request('GET {path}?x=1', 'Content-Length: 8')}x=poison`,
  },
  {
    id: 'P4',
    name: 'a fat GET in chunks',
    ...PASSED,
    origin: ['GET {path}?x=1'],
    victim: { path: '{path}?x=1' },
    send: `${request('GET {path}?x=1', 'Transfer-Encoding: chunked')}8\r\nx=poison\r\n0\r\n\r\n`,
  },
]

/** The response to HEAD has no content (RFC 9110 section 9.3.2), also if the request is malformed. */
const HEADS: readonly Attack[] = [
  { name: 'a malformed field', send: request('HEAD {path}', 'X Y: z') },
  { name: 'a malformed version', send: 'HEAD {path} HTTP/1.2\r\nHost: a.test\r\n\r\n' },
  { name: 'an invalid host', send: 'HEAD {path} HTTP/1.1\r\nHost: a test\r\n\r\n' },
  { name: 'a head too large', send: request('HEAD {path}', `X: ${'y'.repeat(20_000)}`), answers: [431] },
  { name: 'a malformed chunk', send: `${request('HEAD {path}', 'Transfer-Encoding: chunked')}x\r\n`, breaksOff: true },
].map((row) => ({ id: 'S5', ...REFUSED, bodiless: true, ...row, name: `HEAD with ${row.name}` }))

const EXPECTATIONS: readonly Attack[] = [
  { id: 'S6', name: '0.CL', ...REFUSED, send: `${get(' Content-Length: 34')}${SMUGGLED}` },
  {
    id: 'S6',
    name: 'Expect and content at once',
    ...PASSED,
    origin: ['POST {path}'],
    send: `${post('Expect: 100-continue', 'Content-Length: 5')}hello`,
  },
  { id: 'S6', name: 'Expect without content', ...PASSED, send: get('Expect: 100-continue') },
  ...[
    'y 100-continue',
    '100-continue, y',
    '100-continue;a',
    '100-continue\r\nExpect: y',
    '200-ok',
    '',
    '"100-continue"',
  ].map(
    (value): Attack => ({
      id: 'S6',
      name: `Expect: ${JSON.stringify(value)}`,
      answers: [417],
      closed: true,
      origin: [],
      send: `${post(`Expect: ${value}`, `Content-Length: ${SMUGGLED.length}`)}${SMUGGLED}`,
    }),
  ),
]

const LINE_ENDS: readonly Attack[] = [
  refused('S7', 'a folded value', get('X: a', ' b')),
  refused('S7', 'a folded value, with TAB', get('X: a', '\tb')),
  refused('S7', 'an empty folded line', get('X: a', ' ')),
  refused('S8', 'LF for all line ends', 'GET {path} HTTP/1.1\nHost: a.test\n\n'),
  refused('S8', 'LF after the request line', 'GET {path} HTTP/1.1\nHost: a.test\r\n\r\n'),
  refused('S8', 'LF after a field', 'GET {path} HTTP/1.1\r\nHost: a.test\n\r\n'),
  refused('S8', 'LF after the head', 'GET {path} HTTP/1.1\r\nHost: a.test\r\n\n'),
  refused('S8', 'CR after a field', 'GET {path} HTTP/1.1\r\nHost: a.test\rX: y\r\n\r\n'),
  refused('S8', 'CR after the head', `GET {path} HTTP/1.1\r\nHost: a.test\r\n\rZ${SMUGGLED}`),
  refused('S8', 'CR CR LF', 'GET {path} HTTP/1.1\r\nHost: a.test\r\r\n\r\n'),
  refused('S8', 'no colon', get('X')),
  refused('S8', 'no name', get(': x')),
  refused('S8', 'white space in a name', get('X y: z')),
  refused('S8', 'a name outside ASCII', get('X\xe9: z')),
  refused('S8', 'a name with a quote', get('X": z')),
  refused('S8', 'white space before the method', ' GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n'),
  refused('S8', 'TAB after the method', 'GET\t{path} HTTP/1.1\r\nHost: a.test\r\n\r\n'),
  {
    id: 'S8',
    name: 'two spaces are one (RFC 9112 section 3)',
    ...PASSED,
    send: 'GET  {path}  HTTP/1.1\r\nHost: a.test\r\n\r\n',
  },
  refused('S8', 'a space after the version', 'GET {path} HTTP/1.1 \r\nHost: a.test\r\n\r\n'),
  refused('S8', 'a version in lower case', 'GET {path} http/1.1\r\nHost: a.test\r\n\r\n'),
  { id: 'S8', name: 'an empty line before the request is skipped', ...PASSED, send: `\r\n${get()}` },
]

const VERSIONS: readonly Attack[] = [
  refused(
    'S10',
    'chunks in HTTP/1.0',
    `POST {path} HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ),
  refused(
    'S10',
    'chunks in HTTP/1.0, kept alive',
    `GET {path} HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ),
  refused(
    'S10',
    'length and coding in HTTP/1.0',
    `POST {path} HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
  ),
  {
    id: 'S10',
    name: 'what follows HTTP/1.0',
    ...PASSED,
    closed: true,
    send: 'GET {path} HTTP/1.0\r\nHost: a.test\r\n\r\n',
  },
  {
    id: 'S10',
    name: 'what follows Connection: close',
    ...PASSED,
    closed: true,
    send: get('Connection: close'),
  },
  {
    id: 'S10',
    name: 'HTTP/1.0 kept alive',
    ...PASSED,
    send: 'GET {path} HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n',
  },
  {
    id: 'S10',
    name: 'what follows HTTP/1.0 with both close and keep-alive',
    ...PASSED,
    closed: true,
    send: 'GET {path} HTTP/1.0\r\nHost: a.test\r\nConnection: Close, keep-alive\r\n\r\n',
  },
]

/** After a refused upgrade nothing more is read, as node:http loses octets that arrived together with it. */
const UPGRADES: readonly Attack[] = [
  {
    id: 'S11',
    name: 'Upgrade to an unknown protocol, and a request after it',
    ...PASSED,
    closed: true,
    send: get('Connection: Upgrade', 'Upgrade: foo'),
  },
  {
    id: 'S11',
    name: 'h2c',
    ...PASSED,
    closed: true,
    send: get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'),
  },
  {
    id: 'S11',
    name: 'WebSocket, and a request after it while the origin answers 200',
    ...PASSED,
    closed: true,
    send: get('Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: eA=='),
  },
  {
    id: 'S11',
    name: 'WebSocket of a wrong version',
    ...PASSED,
    closed: true,
    send: get('Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 1337', 'Sec-WebSocket-Key: eA=='),
  },
  {
    id: 'S11',
    name: 'WebSocket with content is no upgrade',
    ...PASSED,
    closed: true,
    send: `${get('Connection: Upgrade', 'Upgrade: websocket', `Content-Length: ${SMUGGLED.length}`)}${SMUGGLED}`,
  },
  {
    id: 'S11',
    name: 'WebSocket with chunks is no upgrade',
    ...PASSED,
    closed: true,
    send: `${get('Connection: Upgrade', 'Upgrade: websocket', 'Transfer-Encoding: chunked')}2\r\nok\r\n0\r\n\r\n`,
  },
  {
    id: 'S11',
    name: 'WebSocket in HTTP/1.0 is no upgrade',
    ...PASSED,
    closed: true,
    last: true,
    send: 'GET {path} HTTP/1.0\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  },
  {
    id: 'S11',
    name: 'WebSocket in POST is no upgrade',
    ...PASSED,
    closed: true,
    origin: ['POST {path}'],
    send: `${post('Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 5')}hello`,
  },
  {
    id: 'S11',
    name: 'WebSocket for two hosts',
    ...REFUSED,
    send: get('Host: evil', 'Connection: Upgrade', 'Upgrade: websocket'),
  },
  {
    id: 'S11',
    name: 'WebSocket for a host that is not served',
    ...REFUSED,
    answers: [421],
    send: 'GET {path} HTTP/1.1\r\nHost: evil\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  },
]

const AFTERWARDS: readonly Attack[] = [
  refused('S12', 'a malformed POST and its content', `${post('Content-Length: 5', 'X\x00: y')}hello`),
  refused('S12', 'a POST refused by us, and its content', `${post('Content-Length: 5', 'Host: evil')}hello`),
  refused(
    'S12',
    'a POST whose Connection is refused, and its content',
    `${post('Connection: Host', 'Content-Length: 5')}hello`,
  ),
  {
    id: 'S12',
    name: 'a good request before a malformed one is answered, and nothing after it',
    ...PASSED,
    closed: true,
    send: `${get()}GET /smuggled HTTP/1.1\r\nHost: a.test\r\nX\x00: y\r\n\r\n`,
  },
  {
    id: 'S12',
    name: 'a good request before one we refuse',
    ...PASSED,
    answers: [200, 400],
    closed: true,
    send: `${get()}GET /smuggled HTTP/1.1\r\nHost: a.test\r\nHost: evil\r\n\r\n`,
  },
  {
    id: 'S12',
    name: 'a hundred at once, in order',
    answers: Array.from({ length: 100 }, () => 200),
    closed: false,
    origin: Array.from({ length: 100 }, (_, number) => `GET {path}/${number}`),
    inParallel: true,
    also(answers) {
      const numbers = answers.map(({ body }) => Number(/"target":"[^"]*\/(\d+)"/.exec(body)?.[1]))
      expect(numbers).toEqual(Array.from({ length: 100 }, (_, number) => number))
    },
    send: Array.from({ length: 100 }, (_, number) => request(`GET {path}/${number}`)).join(''),
  },
]

table('framing', [
  ...LENGTH_AND_CODING,
  ...CODINGS,
  ...CODING_LINES,
  ...GOOD_CODINGS,
  ...LENGTHS,
  ...LENGTH_LINES,
  ...GOOD_LENGTHS,
  ...UNREAD,
  ...HEADS,
  ...EXPECTATIONS,
  ...LINE_ENDS,
  ...VERSIONS,
  ...UPGRADES,
  ...AFTERWARDS,
])

function expectContent(content: string | undefined): void {
  if (content !== SMUGGLED) throw new Error(`the origin got ${JSON.stringify(content)}`)
}
