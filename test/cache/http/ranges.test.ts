import { describe, expect, it, test } from 'vitest'
import { HerdgateError } from '../../../src/errors.ts'
import { field, has } from '../../../src/fields.ts'
import { settle } from '../../support/fake-clock.ts'
import { type Answer, PushedBody } from '../../support/scripted-origin.ts'
import { type Received, world } from '../../support/world.ts'

const CONTENT = '0123456789'
const MINUTE = { 'Cache-Control': 'max-age=60' }
const MODIFIED = 'Wed, 18 Nov 2026 10:00:00 GMT'

const named = ({ reply }: Received, name: string) => field(reply.fields, name)

/** A cache with a complete copy of ten octets. */
async function holding(headers: Record<string, string> = { ETag: '"e"' }, answer: Answer = {}) {
  const w = world()
  w.origin.script(() => ({ headers: { ...MINUTE, ...headers }, body: CONTENT, ...answer }))
  await w.get('/')
  return w
}

/** An origin that answers range requests. */
function serving(etag?: string, extra: Record<string, string> = {}) {
  const w = world()
  w.origin.script(({ fields }) => {
    const headers = { ...MINUTE, ...(etag !== undefined && { ETag: etag }), ...extra }
    const asked = /^bytes=(\d+)-(\d*)$/.exec(field(fields, 'range') ?? '')
    if (asked === null) return { headers, body: CONTENT }
    const [first, last] = [Number(asked[1]), Math.min(Number(asked[2] || 9), 9)]
    const body = CONTENT.slice(first, last + 1)
    return { status: 206, headers: { ...headers, 'Content-Range': `bytes ${first}-${last}/10` }, body }
  })
  const range = (value: string, headers: Record<string, string> = {}) => w.get('/', { Range: value, ...headers })
  const asked = () => w.origin.requests.map(({ fields }) => field(fields, 'range'))
  return { ...w, range, asked }
}

describe('from a complete copy (RFC 9110 section 14.2)', () => {
  it.each([
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-2', '89', 'bytes 8-9/10'],
    ['bytes=8-100', '89', 'bytes 8-9/10'],
    ['bytes=-100', CONTENT, 'bytes 0-9/10'],
    ['bytes=0-1, 50-', '01', 'bytes 0-1/10'],
    ['bytes=4-6, 2-4', '23456', 'bytes 2-6/10'],
  ])('%s is %s', async (range, body, contentRange) => {
    const w = await holding()
    const answer = await w.get('/', { Range: range })
    expect(answer).toMatchObject({ status: 206, body, result: 'hit' })
    expect(named(answer, 'content-range')).toBe(contentRange)
    expect(named(answer, 'content-length')).toBe(String(body.length))
    expect(named(answer, 'etag')).toBe('"e"')
  })

  it.each(['bytes=10-', 'bytes=-0', 'bytes=20-30'])(
    '%s is not satisfiable: 416 with the complete length',
    async (range) => {
      const w = await holding({ ETag: '"e"', 'Content-Type': 'text/plain' })
      const answer = await w.get('/', { Range: range })
      expect(answer).toMatchObject({ status: 416, body: '', result: 'hit' })
      expect(named(answer, 'content-range')).toBe('bytes */10')
      expect(named(answer, 'cache-control')).toBe('no-store')
      expect(named(answer, 'content-type')).toBeUndefined()
    },
  )

  it.each(['bytes=4-2', 'lines=1-2', 'bytes=x', 'bytes='])('%s is ignored', async (range) => {
    const w = await holding()
    expect(await w.get('/', { Range: range })).toMatchObject({ status: 200, body: CONTENT, result: 'hit' })
  })

  it('several ranges are sent as parts, each with its own Content-Range', async () => {
    const w = await holding({ ETag: '"e"', 'Content-Type': 'text/plain' })
    const answer = await w.get('/', { Range: 'bytes=0-1, -1' })
    const [, boundary = ''] = /^multipart\/byteranges; boundary=(.+)$/.exec(named(answer, 'content-type') ?? '') ?? []
    const part = (range: string, octets: string) =>
      `\r\n--${boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes ${range}/10\r\n\r\n${octets}`
    expect(answer.status).toBe(206)
    expect(answer.body).toBe(`${part('0-1', '01')}${part('9-9', '9')}\r\n--${boundary}--\r\n`)
    expect(named(answer, 'content-range')).toBeUndefined()
    expect(named(answer, 'content-length')).toBe(String(answer.body.length))
  })

  it('several ranges are sent from the copy itself: clients that ask for them cost no memory', async () => {
    const w = await holding()
    const content = async () => {
      const reader = (await w.ask('/', { Range: 'bytes=0-1, -1' })).body?.read()
      await reader?.next()
      return (await reader?.next())?.buffer
    }
    const memory = await content()
    expect(memory?.byteLength).toBe(CONTENT.length)
    expect(await content()).toBe(memory)
  })

  it('the boundary between parts is another each time, so that no content is made to contain it', async () => {
    const w = await holding({}, { body: '--herdgate-0--' })
    const boundary = async () => {
      const type = named(await w.get('/', { Range: 'bytes=0-11, 13-13' }), 'content-type') ?? ''
      return /^multipart\/byteranges; boundary=([0-9a-f]{32})$/.exec(type)?.[1]
    }
    const boundaries = [await boundary(), await boundary()]
    expect(boundaries).not.toContain(undefined)
    expect(boundaries[0]).not.toBe(boundaries[1])
  })

  it.each([
    ['its entity-tag', { ETag: '"e"' }, '"e"', 206],
    ['another entity-tag', { ETag: '"e"' }, '"f"', 200],
    ['a weak entity-tag', { ETag: 'W/"e"' }, 'W/"e"', 200],
    ['its date', { 'Last-Modified': MODIFIED, Date: 'Wed, 18 Nov 2026 12:00:00 GMT' }, MODIFIED, 206],
    ['a later date', { 'Last-Modified': MODIFIED }, 'Wed, 18 Nov 2026 11:00:00 GMT', 200],
    ['a date as weak as its own', { 'Last-Modified': MODIFIED, Date: MODIFIED }, MODIFIED, 200],
  ])('If-Range with %s (section 13.1.5)', async (_, headers, ifRange, status) => {
    const w = await holding(headers)
    expect((await w.get('/', { Range: 'bytes=0-1', 'If-Range': ifRange })).status).toBe(status)
    expect(w.origin.requests).toHaveLength(1)
  })

  it('a 206 to If-Range leaves out fields that the client already has (section 15.3.7)', async () => {
    const w = await holding({ ETag: '"e"', 'Content-Type': 'text/plain', 'Cache-Control': 'max-age=60' })
    const [part, more] = [await w.get('/', { Range: 'bytes=0-1' }), { Range: 'bytes=2-3', 'If-Range': '"e"' }]
    expect(named(part, 'content-type')).toBe('text/plain')
    const next = await w.get('/', more)
    expect([next.status, named(next, 'content-type'), named(next, 'etag')]).toEqual([206, undefined, '"e"'])
  })

  it('a 206 has its own Content-Range, whatever the stored 200 says there', async () => {
    const w = await holding({ ETag: '"e"', 'Content-Range': 'bytes 0-9/99' })
    expect(named(await w.get('/', { Range: 'bytes=2-4' }), 'content-range')).toBe('bytes 2-4/10')
    expect(named(await w.get('/', { Range: 'bytes=2-4, 8-9' }), 'content-range')).toBeUndefined()
  })

  it('If-None-Match is evaluated before Range (section 13.2.2)', async () => {
    const w = await holding()
    expect((await w.get('/', { Range: 'bytes=0-1', 'If-None-Match': '"e"' })).status).toBe(304)
    expect((await w.get('/', { Range: 'bytes=0-1', 'If-None-Match': '"f"' })).status).toBe(206)
  })

  it('Range applies neither to HEAD nor to an error', async () => {
    const w = await holding()
    const head = await w.get('/', { Range: 'bytes=0-1' }, { method: 'HEAD' })
    expect([head.status, named(head, 'content-length')]).toEqual([200, '10'])
    const failing = await holding({}, { status: 404 })
    expect(await failing.get('/', { Range: 'bytes=0-1' })).toMatchObject({ status: 404, body: CONTENT })
  })

  it('an expired copy is revalidated without Range', async () => {
    const w = world()
    w.origin.script(({ fields }, number) => {
      if (number === 1) return { headers: { ...MINUTE, ETag: '"e"' }, body: CONTENT }
      expect(field(fields, 'range')).toBeUndefined()
      return { status: 304, headers: { ...MINUTE, ETag: '"e"' } }
    })
    await w.get('/')
    await w.clock.advance(61_000)
    expect(await w.get('/', { Range: 'bytes=0-1' })).toMatchObject({ status: 206, body: '01', result: 'revalidated' })
    expect(await w.get('/')).toMatchObject({ body: CONTENT, result: 'hit' })
  })
})

describe('from a copy that is still arriving', () => {
  async function arriving(headers: Record<string, string>) {
    const w = world()
    const body = new PushedBody()
    w.origin.script(() => ({ headers: { ...MINUTE, ETag: '"e"', ...headers }, body }))
    const first = w.get('/')
    await settle()
    return { ...w, body, first }
  }

  test('a range waits only for its own last octet', async () => {
    const w = await arriving({ 'Content-Length': '10' })
    const range = w.get('/', { Range: 'bytes=1-2' })
    w.body.push('0123')
    expect(await range).toMatchObject({ status: 206, body: '12' })
    w.body.push('456789')
    w.body.end()
    expect((await w.first).body).toBe(CONTENT)
  })

  test('several ranges are answered with all of it', async () => {
    const w = await arriving({ 'Content-Length': '10' })
    const ranges = w.get('/', { Range: 'bytes=0-1, 8-9' })
    w.body.push(CONTENT)
    w.body.end()
    expect(await ranges).toMatchObject({ status: 200, body: CONTENT })
    await w.first
  })

  test('a range is answered with all of it while its length is unknown', async () => {
    const w = await arriving({})
    const range = w.get('/', { Range: 'bytes=-2' })
    w.body.push(CONTENT)
    w.body.end()
    expect(await range).toMatchObject({ status: 200, body: CONTENT })
    await w.first
  })
})

describe('parts (RFC 9111 sections 3.3 and 3.4)', () => {
  it('are stored and answer the same range and smaller ones', async () => {
    const { range, asked } = serving('"e"')
    await range('bytes=2-6')
    expect(await range('bytes=2-6')).toMatchObject({ status: 206, body: '23456', result: 'hit' })
    const smaller = await range('bytes=3-4')
    expect(smaller).toMatchObject({ status: 206, body: '34', result: 'hit' })
    expect(named(smaller, 'content-range')).toBe('bytes 3-4/10')
    expect((await range('bytes=50-')).status).toBe(416)
    expect(asked()).toEqual(['bytes=2-6'])
  })

  it('with the same strong entity-tag are joined, and become the whole when nothing is missing', async () => {
    const { range, get, asked } = serving('"e"')
    await range('bytes=0-4')
    await range('bytes=5-9')
    expect(await range('bytes=3-6')).toMatchObject({ status: 206, body: '3456', result: 'hit' })
    const whole = await get('/')
    expect(whole).toMatchObject({ status: 200, body: CONTENT, result: 'hit' })
    expect(named(whole, 'content-range')).toBeUndefined()
    expect(asked()).toEqual(['bytes=0-4', 'bytes=5-9'])
  })

  it('with a gap between them are joined too, and each answers for its own octets', async () => {
    const { range, asked } = serving('"e"')
    await range('bytes=0-2')
    await range('bytes=6-8')
    expect(await range('bytes=7-8')).toMatchObject({ status: 206, body: '78', result: 'hit' })
    expect(await range('bytes=1-2')).toMatchObject({ status: 206, body: '12', result: 'hit' })
    expect(asked()).toEqual(['bytes=0-2', 'bytes=6-8'])
  })

  it('are completed by a request for what is missing, with If-Range', async () => {
    const { range, get, origin, asked } = serving('"e"')
    await range('bytes=0-4')
    expect(await get('/')).toMatchObject({ status: 200, body: CONTENT })
    expect(asked()).toEqual(['bytes=0-4', 'bytes=5-'])
    expect(field(origin.requests[1]?.fields ?? [], 'if-range')).toBe('"e"')
    expect(await get('/')).toMatchObject({ body: CONTENT, result: 'hit' })
  })

  it.each([
    ['weak', 'W/"e"'],
    ['missing', undefined],
  ])('whose entity-tag is %s are not joined', async (_, etag) => {
    const { range, get, asked } = serving(etag)
    await range('bytes=0-4')
    await range('bytes=5-9')
    expect(await get('/')).toMatchObject({ status: 200, body: CONTENT })
    expect(asked().at(-1)).toBeUndefined()
  })

  it('are limited in number: of too many, the largest stay', async () => {
    const w = world()
    const octets = (first: number, last: number) => w.get('/', { Range: `bytes=${first}-${last}` })
    w.origin.script(({ fields }) => {
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(field(fields, 'range') ?? '') ?? []
      const headers = { ...MINUTE, ETag: '"1"', 'Content-Range': `bytes ${first}-${last}/10000` }
      return { status: 206, headers, body: 'x'.repeat(Number(last) - Number(first) + 1) }
    })
    await octets(1_000, 1_099)
    for (let at = 0; at < 100; at++) await octets(at * 2, at * 2)
    w.origin.script(() => new HerdgateError('origin_refused'))
    expect(await octets(1_010, 1_019)).toMatchObject({ body: 'xxxxxxxxxx', result: 'hit' })
    const hits = await Promise.all(Array.from({ length: 100 }, (_, at) => octets(at * 2, at * 2)))
    expect(hits.filter(({ result }) => result === 'hit')).toHaveLength(63)
  })

  it('of a changed representation replace the old ones', async () => {
    const w = world()
    const part = (etag: string, first: number, body: string) => ({
      status: 206,
      headers: { ...MINUTE, ETag: etag, 'Content-Range': `bytes ${first}-${first + 4}/10` },
      body,
    })
    const answers = [part('"e"', 0, '01234'), part('"f"', 5, 'fghij'), part('"f"', 0, 'abcde')]
    w.origin.script((_, number) => answers[number - 1])
    await w.get('/', { Range: 'bytes=0-4' })
    await w.get('/', { Range: 'bytes=5-9' })
    expect(await w.get('/', { Range: 'bytes=0-4' })).toMatchObject({ body: 'abcde', result: 'miss' })
    expect(await w.get('/')).toMatchObject({ body: 'abcdefghij', result: 'hit' })
  })

  it('are fetched anew when If-Range names another representation', async () => {
    const { range, asked } = serving('"e"')
    await range('bytes=0-4')
    expect(await range('bytes=0-4', { 'If-Range': '"d"' })).toMatchObject({ result: 'miss' })
    expect(asked()).toHaveLength(2)
  })

  it('are answered with 304 to If-None-Match as the whole is (RFC 9111 section 4.3.2)', async () => {
    const { range } = serving('"e"')
    const known = { 'If-None-Match': '"e"' }
    const answers = [await range('bytes=2-6', known), await range('bytes=2-6', known)]
    expect(answers).toMatchObject([
      { status: 304, body: '' },
      { status: 304, body: '', result: 'hit' },
    ])
  })

  it('of another content coding are not joined, whatever their entity-tag says', async () => {
    const w = world()
    const part = (first: number, body: string, headers = {}) => ({
      status: 206,
      headers: { ...MINUTE, ETag: '"e"', 'Content-Range': `bytes ${first}-${first + 4}/10`, ...headers },
      body,
    })
    const gzip = { 'Content-Encoding': 'gzip' }
    const answers = [part(0, '01234'), part(5, 'fghij', gzip), part(0, '01234', {}), { headers: MINUTE, body: CONTENT }]
    w.origin.script((_, number) => answers[number - 1])
    await w.get('/', { Range: 'bytes=0-4' })
    await w.get('/', { Range: 'bytes=5-9' })
    expect(await w.get('/')).toMatchObject({ body: '01234fghij', result: 'miss' })
  })

  it('that lack fields of the whole, as an answer to If-Range may, are not shared', async () => {
    const w = world()
    w.origin.script(({ fields }) => {
      const type = field(fields, 'if-range') === undefined ? { 'Content-Type': 'text/plain' } : {}
      const headers = { ...MINUTE, ETag: '"e"', ...type }
      if (field(fields, 'range') === undefined) return { headers, body: CONTENT }
      return { status: 206, headers: { ...headers, 'Content-Range': 'bytes 0-4/10' }, body: '01234' }
    })
    await w.get('/', { Range: 'bytes=0-4', 'If-Range': '"e"' })
    const victims = [await w.get('/', { Range: 'bytes=0-4' }), await w.get('/')]
    expect(victims.map((answer) => named(answer, 'content-type'))).toEqual(['text/plain', 'text/plain'])
  })

  it.each([
    ['to a request without Range', {}, { 'Content-Range': 'bytes 0-4/10' }],
    ['without Content-Range', { Range: 'bytes=0-4' }, {}],
    ['with several parts', { Range: 'bytes=0-1,3-4' }, { 'Content-Type': 'multipart/byteranges; boundary=b' }],
  ])('are not stored %s', async (_, request, headers) => {
    const w = world()
    w.origin.script(() => ({ status: 206, headers: { ...MINUTE, ETag: '"e"', ...headers }, body: '01234' }))
    await w.get('/', request)
    await w.get('/', request)
    expect(w.origin.requests).toHaveLength(2)
  })

  it('are served stale when the origin fails', async () => {
    const w = world()
    const headers = { 'Cache-Control': 'max-age=1, stale-if-error=60', 'Content-Range': 'bytes 0-4/10' }
    w.origin.script((_, number) =>
      number === 1 ? { status: 206, headers, body: '01234' } : new HerdgateError('origin_reset'),
    )
    await w.get('/', { Range: 'bytes=0-4' })
    await w.clock.advance(2_000)
    expect(await w.get('/', { Range: 'bytes=0-1' })).toMatchObject({
      status: 206,
      body: '01',
      result: 'stale_if_error',
    })
    expect((await w.get('/')).status).toBe(502)
  })

  it('of a response too long to be stored are not completed, and stay', async () => {
    const w = world({ maxObjectBytes: 8 })
    w.origin.script(({ fields }) => {
      const headers = { ...MINUTE, ETag: '"e"' }
      const isRanged = has(fields, 'range')
      return isRanged
        ? { status: 206, headers: { ...headers, 'Content-Range': 'bytes 0-4/10' }, body: '01234' }
        : { headers: { ...headers, 'Content-Length': '10' }, body: CONTENT }
    })
    await w.get('/', { Range: 'bytes=0-4' })
    const wholes = await Promise.all([w.get('/'), w.get('/'), w.get('/', { 'Cache-Control': 'no-cache' })])
    for (const answer of wholes) {
      expect(answer).toMatchObject({ status: 200, body: CONTENT, result: 'pass' })
      expect(answer.cacheStatus).toContain('fwd=partial; fwd-status=200; detail=too-large')
      expect(answer.cacheStatus).not.toContain('stored')
    }
    expect(await w.get('/', { Range: 'bytes=0-1' })).toMatchObject({ status: 206, body: '01', result: 'hit' })
    await w.clock.advance(61_000)
    expect(await w.get('/')).toMatchObject({ body: CONTENT, result: 'pass' })
    w.origin.script(() => new HerdgateError('origin_refused'))
    expect(await w.get('/', { Range: 'bytes=0-1' })).toMatchObject({ body: '01', result: 'stale_if_error' })
  })

  it.each(['10', '*'])('stay too when the too long response does not state its length: of /%s', async (complete) => {
    const w = world({ maxObjectBytes: 8 })
    w.origin.script(({ fields }) => {
      const headers = { ...MINUTE, ETag: '"e"' }
      return has(fields, 'range')
        ? { status: 206, headers: { ...headers, 'Content-Range': `bytes 0-4/${complete}` }, body: '01234' }
        : { headers, body: CONTENT }
    })
    await w.get('/', { Range: 'bytes=0-4' })
    for (const wish of ['no-cache', 'max-stale']) {
      const answer = await w.get('/', { 'Cache-Control': wish })
      expect(answer).toMatchObject({ status: 200, body: CONTENT })
      if (complete === '10') expect(answer.cacheStatus).toContain('fwd=partial; fwd-status=200; detail=too-large')
    }
    expect(await w.get('/', { Range: 'bytes=0-1' })).toMatchObject({ status: 206, body: '01', result: 'hit' })
  })

  it.each([
    [206, 'bytes 5-8/10'],
    [206, 'bytes 4-9/10'],
    [206, 'bytes 5-9/11'],
    [304, ''],
    [416, 'bytes */4'],
  ])('are not completed by a %i of %j: the whole is requested', async (status, contentRange) => {
    const w = world()
    const headers = { ...MINUTE, ETag: '"e"' }
    const answers = [
      { status: 206, headers: { ...headers, 'Content-Range': 'bytes 0-4/10' }, body: '01234' },
      { status, headers: { ...headers, 'Content-Range': contentRange }, body: 'xxxxx' },
      { headers, body: 'another' },
    ]
    w.origin.script((_, number) => answers[number - 1])
    await w.get('/', { Range: 'bytes=0-4' })
    expect(await w.get('/')).toMatchObject({ status: 200, body: 'another' })
  })

  it('are replaced by the whole once that is no longer too long', async () => {
    const w = world({ maxObjectBytes: 8 })
    w.origin.script(() => ({ status: 206, headers: { ...MINUTE, 'Content-Range': 'bytes 0-4/10' }, body: '01234' }))
    await w.get('/', { Range: 'bytes=0-4' })
    w.origin.script(() => ({ headers: { ...MINUTE, 'Content-Length': '3' }, body: 'new' }))
    expect(await w.get('/')).toMatchObject({ body: 'new' })
    expect(await w.get('/')).toMatchObject({ body: 'new', result: 'hit' })
  })

  it('are cut from the whole when the origin ignores Range', async () => {
    const w = world()
    w.origin.script(() => ({ headers: { ...MINUTE, 'Content-Length': '10' }, body: CONTENT }))
    expect(await w.get('/', { Range: 'bytes=0-1' })).toMatchObject({ status: 206, body: '01' })
    expect(await w.get('/')).toMatchObject({ status: 200, body: CONTENT, result: 'hit' })
  })
})

describe('the digest of one message (RFC 9530 section 2, RFC 1864)', () => {
  const OF_THE_REPRESENTATION = { 'Repr-Digest': 'sha-256=:r:', Digest: 'sha-256=r' }
  const digests = (answer: Received) =>
    ['content-digest', 'content-md5', 'repr-digest', 'digest'].map((name) => named(answer, name))
  const received = (body: string) => [`md5=:${body}:`, body, 'sha-256=:r:', 'sha-256=r']
  const MADE_HERE = [undefined, undefined, 'sha-256=:r:', 'sha-256=r']

  /** An origin whose answers all have digests. */
  function digesting() {
    const w = world()
    w.origin.script(({ fields, method }) => {
      const [, first = '0', last = '9'] = /^bytes=(\d+)-(\d*)$/.exec(field(fields, 'range') ?? '') ?? []
      const part = has(fields, 'range') ? { 'Content-Range': `bytes ${first}-${last || 9}/10` } : undefined
      const body = CONTENT.slice(Number(first), Number(last || 9) + 1)
      const own = { 'Content-Digest': `md5=:${body}:`, 'Content-MD5': body }
      const headers = { ...MINUTE, ETag: '"e"', ...OF_THE_REPRESENTATION, ...own, ...part }
      if (has(fields, 'if-none-match')) return { status: 304, headers: { ...headers, 'Content-MD5': 'of nothing' } }
      return { status: part ? 206 : 200, headers, body: method === 'HEAD' ? '' : body }
    })
    return { ...w, range: (value: string) => w.get('/', { Range: value }) }
  }

  it('is sent with a range of a complete copy only if that covers all octets', async () => {
    const w = digesting()
    expect(digests(await w.get('/'))).toEqual(received(CONTENT))
    expect(digests(await w.range('bytes=0-4'))).toEqual(MADE_HERE)
    expect(digests(await w.range('bytes=5-'))).toEqual(MADE_HERE)
    expect(digests(await w.range('bytes=0-1, 8-9'))).toEqual(MADE_HERE)
    expect(digests(await w.range('bytes=0-'))).toEqual(received(CONTENT))
    expect(digests(await w.get('/'))).toEqual(received(CONTENT))
    expect(w.origin.requests).toHaveLength(1)
  })

  it('is sent with a part as it was received, not with a smaller one', async () => {
    const w = digesting()
    for (const _ of ['first', 'again']) expect(digests(await w.range('bytes=2-5'))).toEqual(received('2345'))
    expect(digests(await w.range('bytes=2-4'))).toEqual(MADE_HERE)
    expect(digests(await w.range('bytes=3-5'))).toEqual(MADE_HERE)
    expect(digests(await w.range('bytes=2-2, 5-5'))).toEqual(MADE_HERE)
    expect(w.origin.requests).toHaveLength(1)
  })

  it('is not sent with a whole that was completed from a part', async () => {
    const w = digesting()
    await w.range('bytes=0-4')
    const answers = [await w.get('/'), await w.get('/')]
    expect(answers.map(({ status, body, result }) => [status, body, result])).toEqual([
      [200, CONTENT, 'miss'],
      [200, CONTENT, 'hit'],
    ])
    expect(answers.map(digests)).toEqual([MADE_HERE, MADE_HERE])
  })

  it('is not sent with parts that were joined, or with a whole made of them', async () => {
    const w = digesting()
    await w.range('bytes=0-2')
    expect(digests(await w.range('bytes=3-5'))).toEqual(received('345'))
    expect(digests(await w.range('bytes=0-5'))).toEqual(MADE_HERE)
    await w.range('bytes=6-9')
    const whole = await w.get('/')
    expect(whole).toMatchObject({ status: 200, body: CONTENT, result: 'hit' })
    expect(digests(whole)).toEqual(MADE_HERE)
  })

  it('is kept when a 304 or a HEAD updates the whole', async () => {
    const w = digesting()
    await w.get('/')
    await w.clock.advance(61_000)
    expect(digests(await w.get('/'))).toEqual(received(CONTENT))
    await w.clock.advance(61_000)
    await w.get('/', {}, { method: 'HEAD' })
    const after = await w.get('/')
    expect(after.result).toBe('hit')
    expect(w.origin.requests.map(({ method }) => method)).toEqual(['GET', 'GET', 'HEAD'])
    expect(digests(after)).toEqual(received(CONTENT))
  })
})
