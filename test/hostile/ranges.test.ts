/**
 * Range requests, and how origins answer them (docs/security.md, "What is keyed"): whatever was requested first, and
 * whatever part of an answer is held, a plain request gets the complete content, and no part is ever mistaken for the
 * whole.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { ok, type RawOrigin, type RawRequest, rawOrigin } from '../support/raw-origin.ts'
import { RawClient, type RawResponse } from './client.ts'
import { until } from '../support/waiting.ts'

const WHOLE = '0123456789'
const MODIFIED = 'Wed, 01 Jan 2025 00:00:00 GMT'
const VALIDATED = [
  'Cache-Control: max-age=3600',
  `Date: ${new Date().toUTCString()}`,
  'ETag: "one"',
  `Last-Modified: ${MODIFIED}`,
]
const FIELDS = VALIDATED.map((line) => `${line}\r\n`).join('')
const FULL = ok(WHOLE, FIELDS)

type Script = (request: RawRequest) => void

let origin: RawOrigin
let herdgate: Herdgate
/** By path; the origin answers other paths with the complete content, whatever the range. */
const scripts = new Map<string, Script>()

beforeAll(async () => {
  origin = await rawOrigin((request) => {
    const script = scripts.get(pathOf(request))
    if (script === undefined) request.socket.write(request.head.startsWith('HEAD ') ? headOf(FULL) : FULL)
    else script(request)
  })
  herdgate = await startHerdgate(['--origin', origin.url, '--log-level', 'silent'])
})
afterAll(async () => {
  await herdgate.stop()
  await origin.close()
})

const pathOf = ({ head }: RawRequest): string => head.split(' ')[1] ?? ''
const headOf = (response: string): string => response.slice(0, response.indexOf('\r\n\r\n') + 4)
const asked = (path: string): number => origin.requests.filter((request) => pathOf(request) === path).length
const port = (): number => Number(new URL(herdgate.url).port)

let number = 0
const newPath = (): string => `/${number++}`

function head(path: string, method: string, fields: readonly string[]): string {
  return `${[`${method} ${path} HTTP/1.1`, 'Host: a.test', ...fields].join('\r\n')}\r\n\r\n`
}

async function ask(path: string, fields: readonly string[] = [], method = 'GET'): Promise<RawResponse> {
  using client = await RawClient.connect(port(), method === 'HEAD')
  client.send(head(path, method, fields))
  const { responses } = await client.receive(1)
  return responses[0] ?? { status: 0, head: '', body: '' }
}

const fieldOf = ({ head }: RawResponse, name: string): string | undefined =>
  new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1]

async function expectWhole(path: string): Promise<void> {
  const answer = await ask(path)
  expect([answer.status, answer.body]).toEqual([200, WHOLE])
  expect(fieldOf(answer, 'content-range')).toBeUndefined()
  expect(herdgate.child.exitCode).toBeNull()
}

interface Row {
  readonly fields: readonly string[]
  readonly method?: string
  readonly status: number
  /** Content of the answer; of a single part by default. */
  readonly body?: string
  readonly contentRange?: string
}

const part = (range: string, body: string, contentRange: string, ...more: readonly string[]): Row => {
  return { fields: [`Range: ${range}`, ...more], status: 206, body, contentRange: `bytes ${contentRange}/10` }
}
const whole = (...fields: readonly string[]): Row => ({ fields, status: 200, body: WHOLE })
const none = (range: string): Row => ({
  fields: [`Range: ${range}`],
  status: 416,
  body: '',
  contentRange: 'bytes */10',
})
const many = (range: string): Row => whole(`Range: bytes=${Array<string>(1_000).fill(range).join()}`)

const ROWS: readonly Row[] = [
  part('bytes=0-0', '0', '0-0'),
  part('bytes=9-9', '9', '9-9'),
  part('bytes=-1', '9', '9-9'),
  part('bytes=-99999999999999999999', WHOLE, '0-9'),
  part('bytes=3-', '3456789', '3-9'),
  part('bytes=0-18446744073709551615', WHOLE, '0-9'),
  part('bytes=9-18446744073709551616', '9', '9-9'),
  part('BYTES=0-1', '01', '0-1'),
  part('bytes=0-1,', '01', '0-1'),
  part('bytes=,,0-1', '01', '0-1'),
  part('bytes=0-5,3-8', '012345678', '0-8'),
  part('bytes=0-,0-,0-', WHOLE, '0-9'),
  part('bytes=0-1,99-', '01', '0-1'),
  none('bytes=10-'),
  none('bytes=-0'),
  none('bytes=99999999999999999999-'),
  none('bytes=18446744073709551615-18446744073709551616'),
  whole('Range: bytes=5-2'),
  whole('Range: bytes=0-1,5-2'),
  whole('Range: bytes=-'),
  whole('Range: bytes='),
  whole('Range: bytes=,'),
  whole('Range: bytes=--1'),
  whole('Range: bytes=+1-2'),
  whole('Range: bytes=0x1-0x2'),
  whole('Range: bytes=1.0-2'),
  whole('Range: bytes=a-b'),
  whole('Range: bytes = 0-1'),
  whole('Range: bytes 0-1'),
  whole('Range: items=0-1'),
  whole('Range: 0-1'),
  whole('Range:'),
  whole('Range: bytes=0-0', 'Range: bytes=1-1'),
  whole(`Range: bytes=0-0${','.repeat(2_000)}1-2`),
  many('0-0'),
  many('0-'),
  many('-1'),
  many('0-9,9-0'),
  part('bytes=0-1', '01', '0-1', 'If-Range: "one"'),
  part('bytes=0-1', '01', '0-1', `If-Range: ${MODIFIED}`),
  whole('Range: bytes=0-1', 'If-Range: W/"one"'),
  whole('Range: bytes=0-1', 'If-Range: "two"'),
  whole('Range: bytes=0-1', 'If-Range: "one", "two"'),
  whole('Range: bytes=0-1', 'If-Range: *'),
  whole('Range: bytes=0-1', 'If-Range: one'),
  whole('Range: bytes=0-1', 'If-Range:'),
  whole('Range: bytes=0-1', 'If-Range: Thu, 01 Jan 2037 00:00:00 GMT'),
  whole('Range: bytes=0-1', 'If-Range: Wed, 01 Jan 2025 00:00:01 GMT'),
  { fields: ['Range: bytes=0-1', 'If-None-Match: "one"'], status: 304 },
  { method: 'HEAD', fields: ['Range: bytes=0-0'], status: 200 },
  { method: 'HEAD', fields: ['Range: bytes=99-'], status: 200 },
]

const nameOf = ({ method = 'GET', fields }: Row): string => `${method} ${fields.join(' | ').slice(0, 70)}`

function expectAnswer(row: Row, answer: RawResponse): void {
  expect(answer.status).toBe(row.status)
  if (row.body !== undefined) expect(answer.body).toBe(row.body)
  expect(fieldOf(answer, 'content-range')).toBe(row.contentRange)
}

describe('from a complete stored response, without asking the origin', () => {
  test.each(ROWS.map((row) => ({ ...row, name: nameOf(row) })))('$name', async (row) => {
    const path = newPath()
    await expectWhole(path)
    expectAnswer(row, await ask(path, row.fields, row.method))
    await expectWhole(path)
    expect(asked(path)).toBe(1)
  })
})

describe('with nothing stored, from an origin without range support', () => {
  test.each(ROWS.map((row) => ({ ...row, name: nameOf(row) })))('$name', async (row) => {
    const path = newPath()
    const answer = await ask(path, row.fields, row.method)
    expect([200, row.status]).toContain(answer.status)
    if (answer.status === 200 && row.method !== 'HEAD') expect(answer.body).toBe(WHOLE)
    else if (row.method !== 'HEAD') expectAnswer(row, answer)
    await expectWhole(path)
    await expectWhole(path)
    expect(asked(path)).toBeLessThanOrEqual(2)
  })

  test('several ranges give one message', async () => {
    const path = newPath()
    await expectWhole(path)
    const answer = await ask(path, ['Range: bytes=0-0,9-9'])
    expect(answer.status).toBe(206)
    const [, boundary] = /boundary=(\S+)$/m.exec(answer.head) ?? []
    expect(answer.body.split(`--${boundary}`)).toHaveLength(4)
    expect(answer.body).toMatch(/bytes 0-0\/10\r\n\r\n0\r\n/)
    expect(answer.body).toMatch(/bytes 9-9\/10\r\n\r\n9\r\n/)
  })
})

describe('where ranges do not apply', () => {
  test('POST is forwarded unchanged, and its answer is complete', async () => {
    const path = newPath()
    scripts.set(path, ({ socket }) => socket.write(ok('posted', 'Cache-Control: max-age=60\r\n')))
    expect(await ask(path, ['Range: bytes=0-0', 'Content-Length: 0'], 'POST')).toMatchObject({ body: 'posted' })
    scripts.delete(path)
    await expectWhole(path)
  })

  test.each([404, 500, 301])('a %s is sent complete', async (status) => {
    const path = newPath()
    scripts.set(path, ({ socket }) => socket.write(`HTTP/1.1 ${status} X\r\n${FIELDS}Content-Length: 4\r\n\r\nnone`))
    for (let round = 0; round < 2; round++) {
      expect(await ask(path, ['Range: bytes=0-0'])).toMatchObject({ status, body: 'none' })
    }
  })

  test.each(['bytes=0-0', 'bytes=-1', 'bytes=0-', 'bytes=1-'])('%s of empty content is empty', async (range) => {
    const path = newPath()
    scripts.set(path, ({ socket }) => socket.write(ok('', FIELDS)))
    expect((await ask(path)).body).toBe('')
    const answer = await ask(path, [`Range: ${range}`])
    expect([200, 416]).toContain(answer.status)
    expect(answer.body).toBe('')
    expect(await ask(path)).toMatchObject({ status: 200, body: '' })
    expect(asked(path)).toBe(1)
  })
})

describe('while the content is arriving', () => {
  test.each([
    ['what has arrived', 'bytes=0-1', '01', '0-1'],
    ['what has yet to arrive', 'bytes=7-8', '78', '7-8'],
    ['some of both', 'bytes=4-5', '45', '4-5'],
    ['the end', 'bytes=-1', '9', '9-9'],
  ])('%s is answered from it', async (_what, range, body, contentRange) => {
    const path = newPath()
    const release: (() => void)[] = []
    scripts.set(path, ({ socket }) => {
      socket.write(headOf(FULL) + WHOLE.slice(0, 5))
      release.push(() => socket.write(WHOLE.slice(5)))
    })
    using leader = await RawClient.connect(port())
    leader.send(head(path, 'GET', []))
    await until(() => release.length === 1, 'the origin has begun')
    await until(() => leader.received.endsWith('01234'), 'the leader has received what has arrived')
    using other = await RawClient.connect(port())
    other.send(head(path, 'GET', [`Range: ${range}`]))
    await until(() => /^HTTP\/1.1 206 [^]*\r\n\r\n/.test(other.received), 'the head of its answer')
    if (body === '01') await other.receive(1)
    release[0]?.()
    const [answer] = (await other.receive(1)).responses
    expectAnswer(part(range, body, contentRange), answer ?? { status: 0, head: '', body: '' })
    expect((await leader.receive(1)).responses[0]?.body).toBe(WHOLE)
    await expectWhole(path)
    expect(asked(path)).toBe(1)
  })
})

const partial = (contentRange: string, content: string, fields = FIELDS, length = content.length): string =>
  `HTTP/1.1 206 Partial Content\r\n${fields}${contentRange && `Content-Range: ${contentRange}\r\n`}Content-Length: ${length}\r\n\r\n${content}`

describe('an odd answer to a Range: the next request gets the complete content', () => {
  test.each<[string, string]>([
    ['another part', partial('bytes 5-6/10', '56')],
    ['a part without a Content-Range', partial('', '01')],
    ['a malformed Content-Range', partial('bytes', '01')],
    ['a Content-Range in another unit', partial('items 0-1/10', '01')],
    ['a Content-Range that goes backwards', partial('bytes 1-0/10', '01')],
    ['a Content-Range beyond the total', partial('bytes 0-1/1', '01')],
    ['a Content-Range too large for a number', partial('bytes 0-1/18446744073709551616', '01')],
    ['a Content-Range of nothing', partial('bytes */10', '01')],
    ['two Content-Ranges', partial('bytes 0-1/10\r\nContent-Range: bytes 5-6/10', '01')],
    ['less than it announces', partial('bytes 0-5/10', '01')],
    ['more than it announces', partial('bytes 0-0/10', '01')],
    ['all there is, by its own account', partial('bytes 0-1/2', '01')],
    ['several parts', partial('', 'x', `${FIELDS}Content-Type: multipart/byteranges; boundary=x\r\n`)],
    ['a 416', `HTTP/1.1 416 No\r\n${FIELDS}Content-Range: bytes */10\r\nContent-Length: 0\r\n\r\n`],
    ['a 304', `HTTP/1.1 304 Not Modified\r\n${FIELDS}\r\n`],
    ['a 204', `HTTP/1.1 204 No Content\r\nETag: "one"\r\n\r\n`],
  ])('%s', async (name, response) => {
    const path = newPath()
    scripts.set(path, ({ socket, head }) => socket.write(/^range:/im.test(head) ? response : FULL))
    const answer = await ask(path, ['Range: bytes=0-1'])
    expect(answer.status === 200 ? answer.body : WHOLE).toBe(WHOLE)
    if (name === 'all there is, by its own account') return // Herdgate cannot tell
    await until(async () => (await ask(path)).status === 200, 'the failure has been forgotten')
    await expectWhole(path)
  })
})

describe('parts are combined only if they belong to the same representation', () => {
  const served = (first: string, second: string): Script => {
    return ({ socket, head }) => {
      if (/^range: bytes=0-4/im.test(head)) socket.write(first)
      else socket.write(/^range:/im.test(head) ? second : FULL)
    }
  }
  const FIRST = partial('bytes 0-4/10', '01234')
  const other = (from: string, to: string): string => FIELDS.replace(from, to)

  test.each<[string, string]>([
    ['another entity-tag', partial('bytes 5-9/10', 'evil!', other('"one"', '"two"'))],
    ['a weak entity-tag', partial('bytes 5-9/10', 'evil!', other('"one"', 'W/"one"'))],
    ['no validator', partial('bytes 5-9/10', 'evil!', 'Cache-Control: max-age=60\r\n')],
    ['another total', partial('bytes 5-9/11', 'evil!')],
    ['an unknown total', partial('bytes 5-9/*', 'evil!')],
    ['another part than was asked for', partial('bytes 4-8/10', 'evil!')],
    ['too little', partial('bytes 5-9/10', 'evi', FIELDS, 3)],
    ['too much', partial('bytes 5-9/10', 'evil!!', FIELDS, 6)],
  ])('%s', async (_what, second) => {
    const path = newPath()
    scripts.set(path, served(FIRST, second))
    expect((await ask(path, ['Range: bytes=0-4'])).body).toBe('01234')
    await ask(path, ['Range: bytes=5-9'])
    const answer = await ask(path)
    expect(answer.status === 200 ? answer.body : WHOLE).toBe(WHOLE)
    scripts.delete(path)
    await until(async () => (await ask(path)).status === 200, 'the failure has been forgotten')
    await expectWhole(path)
  })

  test('of the same representation they are combined', async () => {
    const path = newPath()
    scripts.set(path, served(FIRST, partial('bytes 5-9/10', '56789')))
    expect((await ask(path, ['Range: bytes=0-4'])).body).toBe('01234')
    expect((await ask(path, ['Range: bytes=5-9'])).body).toBe('56789')
    await expectWhole(path)
    expect(asked(path)).toBe(2)
  })
})
