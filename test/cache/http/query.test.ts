import { PassThrough, Readable } from 'node:stream'
import { describe, expect, it, test } from 'vitest'
import { BodyBudget } from '../../../src/body.ts'
import { readQuery } from '../../../src/cache/http/query.ts'
import { HerdgateError } from '../../../src/errors.ts'
import { field } from '../../../src/fields.ts'
import type { OriginRequest } from '../../../src/model.ts'
import { settle } from '../../support/fake-clock.ts'
import { world } from '../../support/world.ts'

/* QUERY (RFC 10008): safe and cacheable, and its content is part of the key. */

const TEXT = { 'Content-Type': 'text/plain' }
const MINUTE = { 'Cache-Control': 'max-age=60' }

/** An origin that numbers its answers, and `query`, which sends it a QUERY. */
function asking(headers: Record<string, string> = MINUTE) {
  const w = world()
  w.origin.script(({ fields }, number) => {
    const condition = field(fields, 'if-none-match')
    return condition === undefined ? { headers, body: `answer ${number}` } : { status: 304, headers }
  })
  const query = (content: string, extra: Record<string, string> = {}) =>
    w.get('/', { ...TEXT, ...extra }, { method: 'QUERY', body: Readable.from([Buffer.from(content)]) })
  return { ...w, query }
}

async function contentOf({ body }: OriginRequest): Promise<string> {
  const chunks = body === undefined ? [] : await body.toArray()
  return Buffer.concat(chunks as Buffer[]).toString()
}

describe('an answer to QUERY', () => {
  it('answers the same query again', async () => {
    const { query } = asking()
    expect(await query('a')).toMatchObject({ body: 'answer 1', result: 'miss' })
    expect(await query('a')).toMatchObject({ body: 'answer 1', result: 'hit' })
  })

  it.each([
    ['with other content', 'b', {}],
    ['of another type', 'a', { 'Content-Type': 'application/json' }],
    ['in another coding', 'a', { 'Content-Encoding': 'gzip' }],
    ['in another language', 'a', { 'Content-Language': 'de' }],
    ['with another Content-Location', 'a', { 'Content-Location': '/x' }],
    ['that some parsers take for another type', 'a', { Content_Type: 'application/json' }],
  ])('does not answer one %s', async (_, content, headers) => {
    const { query } = asking()
    await query('a')
    expect((await query(content, headers)).body).toBe('answer 2')
    expect((await query('a')).body).toBe('answer 1')
  })

  it.each(['GET', 'HEAD'])('does not answer %s, nor vice versa', async (method) => {
    const { query, get, origin } = asking()
    await query('a')
    expect((await get('/', {}, { method })).result).not.toBe('hit')
    await query('b')
    expect(origin.requests.map((request) => request.method)).toEqual(['QUERY', method, 'QUERY'])
  })

  it('is fetched once for concurrent queries that are the same', async () => {
    const w = world()
    const query = () => w.get('/', TEXT, { method: 'QUERY', body: Readable.from([Buffer.from('a')]) })
    const answers = [query(), query(), query()]
    await settle()
    w.origin.next.answer({ headers: MINUTE, body: 'for all' })
    expect((await Promise.all(answers)).map(({ body }) => body)).toEqual(['for all', 'for all', 'for all'])
    expect(w.origin.requests).toHaveLength(1)
  })

  it('is requested with content that the transport can send again, unless it is too long', async () => {
    const { query, origin } = asking()
    await query('what')
    await query('x'.repeat(65 * 1024))
    const [short, long] = origin.requests
    for (let time = 0; time < 2; time++) {
      const again = await short?.bodyAgain?.().toArray()
      expect(Buffer.concat(again ?? []).toString()).toBe('what')
    }
    expect(long?.bodyAgain).toBeUndefined()
  })

  it('is refreshed in the background with content that can be sent again, whatever its client accepts', async () => {
    const { query, clock, origin } = asking({ 'Cache-Control': 'max-age=60, stale-while-revalidate=60', ETag: '"1"' })
    await query('what')
    await clock.advance(61_000)
    expect(await query('what', { 'Cache-Control': 'max-stale' })).toMatchObject({ body: 'answer 1', result: 'stale' })
    await settle()
    const again = await origin.requests[1]?.bodyAgain?.().toArray()
    expect(Buffer.concat(again ?? []).toString()).toBe('what')
  })

  it('is revalidated with the content of its query', async () => {
    const { query, clock, origin } = asking({ ...MINUTE, ETag: '"1"' })
    await query('what')
    await clock.advance(61_000)
    expect(await query('what')).toMatchObject({ body: 'answer 1', result: 'revalidated' })
    const [, second] = origin.requests
    expect(second?.method).toBe('QUERY')
    expect(field(second?.fields ?? [], 'content-type')).toBe('text/plain')
    expect(second && (await contentOf(second))).toBe('what')
  })

  it('answers a condition of the client', async () => {
    const { query } = asking({ ...MINUTE, ETag: '"1"' })
    await query('a')
    expect(await query('a', { 'If-None-Match': '"1"' })).toMatchObject({ status: 304, body: '', result: 'hit' })
  })

  it('is not cut by a Range', async () => {
    const { query } = asking()
    await query('a')
    expect(await query('a', { Range: 'bytes=0-1' })).toMatchObject({ status: 200, body: 'answer 1', result: 'hit' })
  })

  it('is purged when an unsafe method changes its target', async () => {
    const { query, get } = asking()
    await query('a')
    await get('/', {}, { method: 'POST' })
    expect((await query('a')).body).toBe('answer 3')
  })

  it('leaves the copy for GET alone, as QUERY is safe', async () => {
    const { query, get } = asking()
    await get('/')
    await query('a')
    expect((await get('/')).result).toBe('hit')
  })

  it('is served stale when the origin fails', async () => {
    const w = world()
    const headers = { 'Cache-Control': 'max-age=1, stale-if-error=60' }
    w.origin.script((_, number) => (number === 1 ? { headers, body: 'old' } : new HerdgateError('origin_reset')))
    const query = () => w.get('/', TEXT, { method: 'QUERY', body: Readable.from([Buffer.from('a')]) })
    await query()
    await w.clock.advance(2_000)
    expect(await query()).toMatchObject({ status: 200, body: 'old', result: 'stale_if_error' })
  })
})

test('a client that breaks off while sending its query is reported as gone', async () => {
  const w = world()
  const body = new PassThrough()
  const reply = w.get('/', TEXT, { method: 'QUERY', body })
  body.write('half of the quest')
  await settle()
  body.destroy(new Error('aborted'))
  expect((await reply).status).toBe(499)
  expect(w.origin.requests).toEqual([])
})

test.each([
  ['is over', true],
  ['goes on', false],
])('long content, whose transfer %s, is passed on whole', async (_, isOver) => {
  const w = world()
  w.origin.script(() => ({ body: 'fine' }))
  const body = new PassThrough({ highWaterMark: 2 ** 20 })
  const half = 'x'.repeat(70_000)
  body.write(half)
  if (isOver) body.end()
  expect((await w.get('/', TEXT, { method: 'QUERY', body })).body).toBe('fine')
  if (!isOver) body.end(half)
  const [asked] = w.origin.requests
  expect(asked && (await contentOf(asked)).length).toBe(isOver ? 70_000 : 140_000)
})

test('long content with only-if-cached is not passed on', async () => {
  const w = world()
  const body = Readable.from([Buffer.alloc(70_000)])
  const reply = await w.get('/', { ...TEXT, 'Cache-Control': 'only-if-cached' }, { method: 'QUERY', body })
  expect(reply.status).toBe(504)
  expect(w.origin.requests).toEqual([])
})

test('content that exceeds the memory budget is passed on, and what it took is given back', async () => {
  const budget = new BodyBudget(5)
  const asked = () => ({
    method: 'QUERY',
    url: 'http://a.test/',
    fields: [],
    body: Readable.from([Buffer.from('abc')]),
  })
  expect((await readQuery(asked(), budget)).kind).toBe('read')
  expect(budget.used).toBe(0)
  budget.take(4)
  const { kind, request } = await readQuery(asked(), budget)
  expect([kind, budget.used]).toEqual(['too-long', 4])
  expect(Buffer.concat((await request.body?.toArray()) ?? []).toString()).toBe('abc')
})
