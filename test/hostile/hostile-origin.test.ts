/**
 * Octets an origin may send, valid or not. Each row is requested once and answered with them; then the same URL is
 * requested again, which the origin answers properly. Four things must hold: the client got what the row states and
 * nothing else, nothing invalid was stored, no doubtful connection is reused, and the process lives.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { ok, type RawOrigin, type RawRequest, rawOrigin } from '../support/raw-origin.ts'
import { type Conversation, RawClient, type RawResponse } from './client.ts'
import { until } from '../support/waiting.ts'

interface Row {
  readonly name: string
  /** What the origin writes, one character per octet; several parts are sent as separate packets. */
  readonly sends: string | readonly string[]
  /** It closes the connection after them. */
  readonly ends?: boolean
  readonly method?: string
  /** Final status, or `broken`: the client can tell that the content is incomplete. */
  readonly gets: number | 'broken'
  readonly body?: string
  /** Statuses of interim responses that reach the client. */
  readonly interim?: readonly number[]
  /** Can the connection to the origin be reused? */
  readonly keepsConnection?: boolean
  /** The next request is answered with this stored response. */
  readonly stored?: boolean
  /** What the answer must, or must not, contain. */
  readonly has?: RegExp
  readonly hasNot?: RegExp
}

/** Outlasts the time until the next request, on any machine. */
const FRESH = 'Cache-Control: max-age=600\r\n'
const head = (...lines: readonly string[]): string =>
  `${['HTTP/1.1 200 OK', 'Cache-Control: max-age=600', ...lines].join('\r\n')}\r\n\r\n`
const chunked = (...chunks: readonly string[]): string => head('Transfer-Encoding: chunked') + chunks.join('')
const interim = (status: number, ...lines: readonly string[]): string =>
  `${[`HTTP/1.1 ${status} Interim`, ...lines].join('\r\n')}\r\n\r\n`
const GOOD = ok('good', FRESH)
const FINE = ok('fine', FRESH)

/** Herdgate answers 502, stores nothing, and closes the connection to the origin. */
const refused = (rows: Readonly<Record<string, string | readonly string[]>>): Row[] =>
  Object.entries(rows).map(([name, sends]) => ({ name, sends, gets: 502 }))
const brokenOff = (rows: Readonly<Record<string, string>>): Row[] =>
  Object.entries(rows).map(([name, sends]) => ({ name, sends, ends: true, gets: 'broken' }))

const HEADS = refused({
  'something other than HTTP': 'SSH-2.0-OpenSSH\r\n\r\n',
  'an unknown protocol version': 'HTTP/3.7 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/2 in the form of HTTP/1': GOOD.replace('1.1', '2.0'),
  'HTTP/0.9 in the form of HTTP/1': GOOD.replace('1.1', '0.9'),
  'a status of 99': 'HTTP/1.1 99 Odd\r\nContent-Length: 0\r\n\r\n',
  'a status of 099': 'HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n',
  'a status of four digits': 'HTTP/1.1 1000 Odd\r\nContent-Length: 0\r\n\r\n',
  'a status that is not a number': 'HTTP/1.1 abc Odd\r\nContent-Length: 0\r\n\r\n',
  'no status': 'HTTP/1.1 \r\nContent-Length: 0\r\n\r\n',
  'NUL in a value': head('X: a\0b', 'Content-Length: 0'),
  'a control character in a value': head('X: a\x01b', 'Content-Length: 0'),
  'a bare CR in a value': head('Location: /x\rSet-Cookie: evil=1', 'Content-Length: 0'),
  'a bare CR before a field': head('X: a', '\rSet-Cookie: evil=1', 'Content-Length: 0'),
  'a space before the colon': head('Set-Cookie : evil=1', 'Content-Length: 0'),
  'a name with a space': head('Set Cookie: evil=1', 'Content-Length: 0'),
  'a line without a colon': head('nonsense', 'Content-Length: 0'),
  'a line without a name': head(': evil', 'Content-Length: 0'),
  'a name with NUL': head('X\0Y: evil', 'Content-Length: 0'),
  'a head without end': `HTTP/1.1 200 OK\r\n${'X-Filler: abcdefghijklmnopqrstuvwxyz\r\n'.repeat(4_000)}`,
  'one field of 70 kB': head(`X: ${'a'.repeat(70_000)}`, 'Content-Length: 0'),
})

const FRAMING = refused({
  'length and coding': head('Content-Length: 1', 'Transfer-Encoding: chunked') + '1\r\na\r\n0\r\n\r\n',
  'coding and length': head('Transfer-Encoding: chunked', 'Content-Length: 1') + '1\r\na\r\n0\r\n\r\n',
  'two lengths': head('Content-Length: 1', 'Content-Length: 2') + 'ab',
  'the same length twice': head('Content-Length: 2', 'Content-Length: 2') + 'ab',
  'a list of lengths': head('Content-Length: 2, 2') + 'ab',
  'a length with a sign': head('Content-Length: +2') + 'ab',
  'a negative length': head('Content-Length: -1'),
  'a length in hexadecimal': head('Content-Length: 0x2') + 'ab',
  'a length too large for a number': head('Content-Length: 18446744073709551618') + 'ab',
  'an empty length': head('Content-Length:') + 'ab',
  'a transfer coding that was not asked for': `${head('Transfer-Encoding: gzip, chunked')}1\r\na\r\n0\r\n\r\n`,
  'a transfer coding in HTTP/1.0': chunked('2\r\nab\r\n', '0\r\n\r\n').replace('1.1', '1.0'),
  'a transfer coding without chunked': `${head('Transfer-Encoding: gzip', 'Connection: close')}ab`,
})

const CHUNKS = [
  ...brokenOff({
    'a chunk without a size': chunked('3\r\nabc\r\n', 'zz\r\n'),
    'a chunk of negative size': chunked('3\r\nabc\r\n', '-1\r\n'),
    'a chunk with 0x': chunked('3\r\nabc\r\n', '0x3\r\nabc\r\n0\r\n\r\n'),
    'a chunk size too large for a number': chunked('3\r\nabc\r\n', 'FFFFFFFFFFFFFFFFF\r\nabc'),
    'a chunk longer than its size': chunked('3\r\nabcd\r\n0\r\n\r\n'),
    'a chunk without its line end': chunked('3\r\nabc0\r\n\r\n'),
    'a bare LF after a size': chunked('3\r\nabc\r\n', '3\nabc\r\n0\r\n\r\n'),
    'no last chunk': chunked('3\r\nabc\r\n'),
    'a trailer section without end': chunked('3\r\nabc\r\n', '0\r\nX: y\r\n'),
    'a trailer with NUL': chunked('3\r\nabc\r\n', '0\r\nX: a\0b\r\n\r\n'),
    'a trailer section of 70 kB': chunked('3\r\nabc\r\n', `0\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`),
    'a length among the trailers': chunked('3\r\nabc\r\n', '0\r\nContent-Length: 1\r\n\r\n'),
    'less than its length': `${head('Content-Length: 10')}abc`,
  }),
]

const INTERIM: readonly Row[] = [
  {
    name: 'an unsolicited 100',
    sends: interim(100) + GOOD,
    gets: 200,
    body: 'good',
    keepsConnection: true,
    stored: true,
  },
  {
    name: '100 with fields',
    sends: interim(100, 'Set-Cookie: evil=1', 'X: y') + GOOD,
    gets: 200,
    body: 'good',
    hasNot: /evil/,
    keepsConnection: true,
    stored: true,
  },
  {
    name: '100 in pieces',
    sends: ['HTTP/1.1 1', '00 Cont', 'inue\r\n\r', `\n${GOOD}`],
    gets: 200,
    body: 'good',
    keepsConnection: true,
    stored: true,
  },
  {
    name: '100 after 103',
    sends: interim(103, 'Link: </a>') + interim(100) + GOOD,
    gets: 200,
    body: 'good',
    interim: [103],
    keepsConnection: true,
    stored: true,
  },
  {
    name: '102 and 103',
    sends: interim(102) + interim(103, 'Link: </a>') + GOOD,
    gets: 200,
    body: 'good',
    interim: [102, 103],
    has: /Link: <\/a>/,
    keepsConnection: true,
    stored: true,
  },
  {
    name: 'fields in 103 that are for caches or the connection',
    sends:
      interim(103, 'Link: </a>', 'Surrogate-Key: evil', 'Connection: X-Hop', 'X-Hop: evil', 'Content-Length: 4') + GOOD,
    gets: 200,
    body: 'good',
    interim: [103],
    has: /Link: <\/a>/,
    hasNot: /evil|X-Hop/,
    keepsConnection: true,
    stored: true,
  },
  {
    name: 'Set-Cookie in 103',
    sends: interim(103, 'Set-Cookie: mine=1') + GOOD,
    gets: 200,
    body: 'good',
    interim: [103],
    keepsConnection: true,
    stored: true,
  },
  ...refused({
    '101 that nobody asked for': interim(101, 'Connection: upgrade', 'Upgrade: websocket'),
    '101 without Upgrade': interim(101) + GOOD,
  }),
  {
    name: 'interim responses without end',
    sends: interim(103).repeat(65) + GOOD,
    gets: 502,
    interim: Array<number>(64).fill(103),
  },
  { name: '100 without end', sends: interim(100).repeat(65) + GOOD, gets: 502 },
  {
    name: 'interim responses that are too large in total',
    sends: interim(103, `X: ${'a'.repeat(30_000)}`).repeat(3) + GOOD,
    gets: 502,
    interim: [103, 103],
  },
]

const EXTRA: readonly Row[] = [
  {
    name: 'a status line without a reason',
    sends: `HTTP/1.1 200\r\n${FRESH}Content-Length: 4\r\n\r\ngood`,
    gets: 200,
    body: 'good',
    keepsConnection: true,
    stored: true,
  },
  { name: 'more than its length', sends: `${GOOD}evil`, gets: 200, body: 'good', stored: true },
  { name: 'a second response', sends: GOOD + ok('evil', FRESH), gets: 200, body: 'good', stored: true },
  {
    name: 'octets after the last chunk',
    sends: chunked('4\r\ngood\r\n', '0\r\n\r\n', 'evil'),
    gets: 200,
    body: 'good',
    stored: true,
  },
  {
    name: 'a chunk extension',
    sends: chunked('4;evil="1"\r\ngood\r\n', '0\r\n\r\n'),
    gets: 200,
    body: 'good',
    keepsConnection: true,
    stored: true,
    hasNot: /evil/,
  },
  {
    name: 'trailers that affect routing or belong in the head',
    sends: chunked('4\r\ngood\r\n', '0\r\nHost: evil\r\nContent-Encoding: evil\r\nConnection: evil\r\n\r\n'),
    gets: 200,
    body: 'good',
    keepsConnection: true,
    stored: true,
    hasNot: /evil/,
  },
  {
    name: 'trailers for one client, one connection or caches',
    sends:
      head('Transfer-Encoding: chunked', 'Connection: X-Hop') +
      '4\r\ngood\r\n0\r\nSet-Cookie: evil=1\r\nKeep-Alive: evil\r\nX-Hop: evil\r\nCache-Control: evil\r\nAge: evil\r\n\r\n',
    gets: 200,
    body: 'good',
    stored: true,
    keepsConnection: true,
    hasNot: /evil/,
  },
  {
    name: 'a coding among the trailers',
    sends: chunked('4\r\ngood\r\n', '0\r\nTransfer-Encoding: chunked\r\n\r\n'),
    gets: 200,
    body: 'good',
    keepsConnection: true,
    stored: true,
  },
  { name: 'an unsolicited 304', sends: `HTTP/1.1 304 Not Modified\r\n${FRESH}\r\n`, gets: 502 },
  { name: '304 with content', sends: `HTTP/1.1 304 Not Modified\r\n${FRESH}Content-Length: 4\r\n\r\nevil`, gets: 502 },
  {
    name: '204 with a length',
    sends: `HTTP/1.1 204 No Content\r\n${FRESH}Content-Length: 4\r\n\r\nevil`,
    gets: 204,
    stored: true,
    hasNot: /evil|content-length/i,
  },
  { name: 'HEAD answered with content', method: 'HEAD', sends: ok('evil', ''), gets: 200, hasNot: /evil/ },
  {
    name: 'an unsolicited 206',
    sends: `HTTP/1.1 206 Partial Content\r\n${FRESH}Content-Range: bytes 0-3/8\r\nContent-Length: 4\r\n\r\nevil`,
    gets: 206,
    keepsConnection: true,
  },
  {
    name: 'fields named by Connection',
    sends:
      head(
        'Connection: X-Hop, Set-Cookie',
        'X-Hop: evil',
        'Keep-Alive: evil',
        'Proxy-Authenticate: evil',
        'Content-Length: 4',
      ) + 'good',
    gets: 200,
    body: 'good',
    keepsConnection: true,
    stored: true,
    hasNot: /evil|X-Hop/,
  },
  {
    name: 'content in a coding, which is left as it is',
    sends: head('Content-Encoding: gzip, gzip, br', 'Content-Length: 4') + 'bomb',
    gets: 200,
    body: 'bomb',
    keepsConnection: true,
    stored: true,
  },
]

let origin: RawOrigin
let herdgate: Herdgate
const rows = new Map<string, Row>()
const served = new Map<string, RawRequest>()

beforeAll(async () => {
  origin = await rawOrigin(answer)
  herdgate = await startHerdgate(['--origin', origin.url, '--log-level', 'silent'])
})
afterAll(async () => {
  await herdgate.stop()
  await origin.close()
})

function answer(request: RawRequest): void {
  const [, path = ''] = request.head.split(' ')
  const row = rows.get(path)
  const { socket } = request
  if (row === undefined || served.has(path)) return void socket.write(FINE)
  served.set(path, request)
  void write(socket, row)
}

async function write(socket: RawRequest['socket'], { sends, ends }: Row): Promise<void> {
  for (const part of [sends].flat()) await new Promise((resolve) => socket.write(part, 'latin1', resolve))
  if (ends) socket.end()
}

async function ask(path: string, method = 'GET'): Promise<Conversation> {
  using client = await RawClient.connect(Number(new URL(herdgate.url).port), method === 'HEAD')
  client.send(`${method} ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`)
  return await client.receive(1) // awaited before the client is disposed of
}

const TABLE = Object.entries({
  head: HEADS,
  framing: FRAMING,
  chunks: CHUNKS,
  interim: INTERIM,
  more: EXTRA,
}).flatMap(([part, table]) => table.map((row, number) => ({ ...row, part, path: `/${part}/${number}` })))

describe('what the client gets for', () => {
  test.for(TABLE)('$part: $name', async (row) => {
    rows.set(row.path, row)
    const conversation = await ask(row.path, row.method)
    const [response] = conversation.responses
    const text = `${response?.head}${response?.body}${conversation.rest}`
    if (row.gets === 'broken') expect(conversation).toMatchObject({ responses: [], closed: true })
    else expect(response?.status).toBe(row.gets)
    expect(conversation.interim).toEqual(row.interim ?? [])
    if (row.body !== undefined) expect(response?.body).toBe(row.body)
    if (row.has !== undefined) expect(conversation.text).toMatch(row.has)
    if (row.hasNot !== undefined) expect(conversation.text).not.toMatch(row.hasNot)
    if (row.gets === 502) expectProblem(text)
    expect(herdgate.child.exitCode).toBeNull()
  })
})

describe('what the next client gets after', () => {
  test.for(TABLE)('$part: $name', async (row) => {
    let next: RawResponse | undefined
    // Requests soon after a failure share it.
    await until(async () => (next = (await ask(row.path)).responses[0])?.status !== 502, 'a proper answer')
    expect(next?.status).toBe(row.stored ? row.gets : 200)
    expect(next?.head).toMatch(row.stored ? /herdgate; hit/ : /herdgate; fwd=/)
    if (!row.stored) expect(next?.body).toBe('fine')
    if (row.hasNot !== undefined) expect(`${next?.head}${next?.body}`).not.toMatch(row.hasNot)
    if (!row.keepsConnection) await until(() => served.get(row.path)?.socket.destroyed === true, 'it is abandoned')
  })
})

/** Requests that use a separate connection to the origin. */
const ALONE = [
  { what: 'OPTIONS *', path: '*', request: 'OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n' },
  {
    what: 'a WebSocket handshake',
    path: '/chat',
    request: 'GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  },
]
const MANY_FIELDS = 'X: y\r\n'.repeat(1_500)

describe.each(ALONE)('what the client gets in answer to $what', ({ path, request }) => {
  test.each([
    ['HTTP/2 in the form of HTTP/1', GOOD.replace('1.1', '2.0'), 502],
    ['HTTP/0.9 in the form of HTTP/1', GOOD.replace('1.1', '0.9'), 502],
    ['a transfer coding that was not asked for', `${head('Transfer-Encoding: gzip, chunked')}1\r\na\r\n0\r\n\r\n`, 502],
    ['a transfer coding in HTTP/1.0', chunked('2\r\nab\r\n', '0\r\n\r\n').replace('1.1', '1.0'), 502],
    ['HTTP/1.0', GOOD.replace('1.1', '1.0'), 200],
    ['a head of many fields', GOOD.replace(FRESH, `${MANY_FIELDS}X-Last: z\r\n`), 200],
    ['204 with a length', 'HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n', 204],
  ])('%s', async (name, sends, gets) => {
    rows.set(path, { name, sends, gets })
    served.delete(path)
    using client = await RawClient.connect(Number(new URL(herdgate.url).port))
    client.send(request)
    const { responses, text } = await client.receive(1)
    expect(responses.map(({ status }) => status)).toEqual([gets])
    if (gets === 502) expectProblem(text)
    if (gets === 204) expect(text).not.toMatch(/content-length/i)
    if (sends.includes('X-Last')) expect(text).toContain('X-Last: z')
  })
})

function expectProblem(text: string): void {
  expect(text).toMatch(/^content-type: application\/problem\+json$/im)
  expect(text).toMatch(/^cache-control: no-store$/im)
  expect(text).not.toMatch(/127\.0\.0\.1|evil/)
}
