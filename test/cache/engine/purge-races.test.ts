import { describe, expect, test } from 'vitest'
import type { InvalidationLog } from '../../../src/model.ts'
import { localLog } from '../../../src/stores/memory/log.ts'
import { settle } from '../../support/fake-clock.ts'
import { PushedBody } from '../../support/scripted-origin.ts'
import { text, world } from '../../support/world.ts'

/*
 * Guarantee G1: once a purge or invalidation is acknowledged, no response whose origin request began before it is
 * served to a request that comes after it, whatever the fill was waiting for when the purge came.
 */
const TAGGED = { 'Cache-Control': 'max-age=60', 'Surrogate-Key': 'product', ETag: '"1"' }

const TARGETS = {
  tag: { tags: ['product'] },
  url: { urls: ['http://a.test/x/1'] },
  prefix: { prefixes: ['http://a.test/x'] },
  all: { all: true },
}

type World = ReturnType<typeof world>

/** Each brings a fill of /x/1 with body "old" to one of its await points and returns a function that finishes it. */
const AWAIT_POINTS: Record<string, (w: World) => Promise<() => Promise<void>>> = {
  'before the origin answered': async (w) => {
    const first = w.get('/x/1')
    await settle()
    return async () => {
      w.origin.next.answer({ headers: TAGGED, body: 'old' })
      expect((await first).body).toBe('old') // who has waited since before the purge gets it
    }
  },
  'after the head': async (w) => {
    const body = new PushedBody()
    const first = w.ask('/x/1')
    await settle()
    w.origin.next.answer({ headers: TAGGED, body })
    await first
    return async () => {
      body.push('old')
      body.end()
      expect(await text((await first).body)).toBe('old')
    }
  },
  'in mid body': async (w) => {
    const body = new PushedBody()
    const first = w.ask('/x/1')
    await settle()
    w.origin.next.answer({ headers: TAGGED, body })
    body.push('ol')
    await settle()
    return async () => {
      body.push('d')
      body.end()
      expect(await text((await first).body)).toBe('old')
    }
  },
  'after it was stored': async (w) => {
    const first = w.get('/x/1')
    await settle()
    w.origin.next.answer({ headers: TAGGED, body: 'old' })
    await first
    return async () => {}
  },
  'in a background refresh': async (w) => {
    await stored(w, { ...TAGGED, 'Cache-Control': 'max-age=60, stale-while-revalidate=600' })
    await w.clock.advance(61_000)
    expect((await w.get('/x/1')).result).toBe('stale')
    return async () => w.origin.next.answer({ headers: TAGGED, body: 'old' })
  },
  'in a validation that ends in a 304': async (w) => {
    await stored(w, TAGGED)
    await w.clock.advance(61_000)
    const first = w.get('/x/1')
    await settle()
    return async () => {
      w.origin.next.answer({ status: 304, headers: TAGGED })
      expect((await first).body).toBe('old')
    }
  },
  'in a fetch beside others, of a key remembered as unshareable': async (w) => {
    const first = w.get('/x/1')
    await settle()
    w.origin.next.answer({ headers: { 'Cache-Control': 'no-store' } })
    await first
    const second = w.get('/x/1')
    await settle()
    return async () => {
      w.origin.next.answer({ headers: TAGGED, body: 'old' })
      await second
    }
  },
}

async function stored(w: World, headers: Record<string, string>): Promise<void> {
  const first = w.get('/x/1')
  await settle()
  w.origin.next.answer({ headers, body: 'old' })
  await first
}

describe.each(['purge', 'invalidate'] as const)('%s', (mode) => {
  describe.each(Object.entries(TARGETS))('by %s', (_, targets) => {
    test.each(Object.entries(AWAIT_POINTS))('%s', async (_, reach) => {
      const w = world()
      const finish = await reach(w)
      await w.cache[mode](targets)
      const before = w.origin.requests.length
      const early = w.get('/x/1') // while the old fill is still under way
      await settle()
      await finish()
      await settle()
      const late = w.get('/x/1') // after it is done
      await settle()
      expect(w.origin.requests.length).toBeGreaterThan(before)
      while (w.origin.waiting.length > 0) {
        w.origin.next.answer({ headers: TAGGED, body: 'new' })
        await settle()
      }
      expect((await early).body).toBe('new')
      expect((await late).body).toBe('new')
      expect(await w.get('/x/1')).toMatchObject({ body: 'new', result: 'hit' })
    })
  })
})

test('a purged copy is not served, not even when the origin fails', async () => {
  const w = world()
  await stored(w, TAGGED)
  await w.cache.purge({ tags: ['product'] })
  const answer = w.get('/x/1')
  await settle()
  w.origin.next.fail()
  expect((await answer).status).toBe(502)
})

test('an invalidated copy is still served when the origin fails', async () => {
  const w = world()
  await stored(w, TAGGED)
  await w.cache.invalidate({ tags: ['product'] })
  const answer = w.get('/x/1')
  await settle()
  w.origin.next.fail()
  expect(await answer).toMatchObject({ body: 'old', result: 'stale_if_error' })
})

test.each(['GET', 'HEAD'])('a copy with must-revalidate is not, if invalidated while a %s waits', async (method) => {
  const w = world()
  await stored(w, { ...TAGGED, 'Cache-Control': 'max-age=60, must-revalidate' })
  const reload = w.get('/x/1', { 'Cache-Control': 'no-cache' }, { method })
  await settle()
  await w.cache.invalidate({ tags: ['product'] })
  w.origin.next.fail()
  expect((await reload).status).toBe(502)
})

test('an invalidated copy that the origin confirms is valid again', async () => {
  const w = world()
  await stored(w, TAGGED)
  await w.cache.invalidate({ tags: ['product'] })
  const answer = w.get('/x/1')
  await settle()
  expect(w.origin.next.request.fields).toContain('If-None-Match')
  w.origin.next.answer({ status: 304 })
  expect((await answer).body).toBe('old')
  expect((await w.get('/x/1')).result).toBe('hit')
})

test('a fill from before a purge that ends late does not replace what was fetched after it', async () => {
  const w = world()
  const old = w.get('/x/1')
  await settle()
  await w.cache.purge({ all: true })
  const fresh = w.get('/x/1')
  await settle()
  w.origin.waiting[1]?.answer({ headers: TAGGED, body: 'new' })
  await fresh
  w.origin.next.answer({ headers: TAGGED, body: 'old' })
  await old
  await settle()
  expect(await w.get('/x/1')).toMatchObject({ body: 'new', result: 'hit' })
})

test('a response overtaken by a purge still reaches all who have been waiting for it since before', async () => {
  const w = world()
  const waiting = [w.get('/'), w.get('/'), w.get('/')]
  await settle()
  await w.cache.purge({ urls: ['http://a.test/'] })
  w.origin.next.answer({ headers: { 'Cache-Control': 'max-age=60' }, body: 'v1' })
  w.origin.script(() => ({ body: 'asked again' }))
  expect((await Promise.all(waiting)).map(({ body }) => body)).toEqual(['v1', 'v1', 'v1'])
})

test('a response overtaken by a purge is not reported as stored', async () => {
  const w = world()
  const old = w.get('/x/1')
  await settle()
  await w.cache.purge({ tags: ['product'] })
  w.origin.next.answer({ headers: TAGGED, body: 'old' })
  expect((await old).cacheStatus).toBe('herdgate; fwd=uri-miss; fwd-status=200')
})

describe('an error that is not stored answers no request from after a purge of its tag', () => {
  const FAILURE = { status: 503, headers: { 'Surrogate-Key': 'product' }, body: 'old' }

  test('when the purge comes before the error', async () => {
    const w = world()
    const early = w.get('/x/1')
    await settle()
    await w.cache.purge({ tags: ['product'] })
    const late = w.get('/x/1')
    await settle()
    w.origin.next.answer(FAILURE)
    expect(await early).toMatchObject({ status: 503, body: 'old' })
    await settle()
    w.origin.next.answer({ headers: TAGGED, body: 'new' })
    expect((await late).body).toBe('new')
  })

  test('when the purge comes after it', async () => {
    const w = world()
    await stored(w, TAGGED)
    await w.clock.advance(61_000)
    const early = w.get('/x/1')
    await settle()
    w.origin.next.answer(FAILURE)
    expect(await early).toMatchObject({ body: 'old', result: 'stale_if_error' })
    await w.cache.purge({ tags: ['product'] })
    const late = w.get('/x/1')
    await settle()
    w.origin.next.answer({ headers: TAGGED, body: 'new' })
    expect((await late).body).toBe('new')
  })
})

test('a purge of another tag, URL or prefix leaves a copy alone', async () => {
  const w = world()
  await stored(w, TAGGED)
  await w.cache.purge({ tags: ['prod'], urls: ['http://a.test/x'], prefixes: ['http://a.test/x/10'] })
  expect((await w.get('/x/1')).result).toBe('hit')
})

test('a copy confirmed by a 304 that repeats only some of its tags can still be purged by all of them', async () => {
  const w = world()
  const headers = { ETag: '"1"', 'Cache-Control': 'max-age=1', 'Surrogate-Key': 'product', 'Cache-Groups': '"g"' }
  const confirmed = { ETag: '"1"', 'Cache-Control': 'max-age=60', 'Cache-Groups': '"g"' }
  w.origin.script((_, number) => (number === 1 ? { headers, body: 'old' } : { status: 304, headers: confirmed }))
  await w.get('/')
  await w.clock.advance(2_000)
  expect(await w.get('/')).toMatchObject({ body: 'old', result: 'revalidated' })
  await w.cache.purge({ tags: ['product'] })
  w.origin.script(() => ({ body: 'new' }))
  expect((await w.get('/')).body).toBe('new')
})

test('a copy confirmed by a 304 that adds a tag can be purged by that tag too', async () => {
  const w = world()
  await stored(w, { ...TAGGED, 'Cache-Control': 'max-age=1' })
  await w.clock.advance(2_000)
  w.origin.script(() => ({ status: 304, headers: { ...TAGGED, 'Surrogate-Key': 'sale' } }))
  expect((await w.get('/x/1')).result).toBe('revalidated')
  await w.cache.purge({ tags: ['sale'] })
  w.origin.script(() => ({ headers: TAGGED, body: 'new' }))
  expect((await w.get('/x/1')).body).toBe('new')
})

describe('an answer to POST that can answer a GET', () => {
  const ANSWER = { headers: { ...TAGGED, 'Content-Location': '/x/1' }, body: 'old' }
  const posted = async (w: World, meanwhile: () => Promise<unknown>) => {
    const post = w.get('/x/1', {}, { method: 'POST' })
    await settle()
    await meanwhile()
    w.origin.next.answer(ANSWER)
    await post
    w.origin.script(() => ({ headers: TAGGED, body: 'new' }))
    return w.get('/x/1')
  }

  test('is stored unless a purge names it while the POST is in flight', async () => {
    const w = world()
    expect((await posted(w, async () => {})).body).toBe('old')
    const purged = world()
    expect((await posted(purged, () => purged.cache.purge({ tags: ['product'] }))).body).toBe('new')
  })

  test('is not stored when another log record comes in between, as that may name it', async () => {
    const w = world()
    const append = w.log.append.bind(w.log)
    w.log.append = async (...record) => {
      await append('purge', { tags: ['product'] })
      return append(...record)
    }
    expect((await posted(w, async () => {})).body).toBe('new')
  })
})

/** Like the log of a disk: reading its position takes in what others have logged, for which it calls `hears`. */
function logOfMany(hears: () => void): InvalidationLog {
  const log = localLog({ generation: 'g' })
  return {
    generation: log.generation,
    get position() {
      hears()
      return log.position
    },
    get changes() {
      return log.changes
    },
    synced: true,
    started: log.started,
    append: (mode, selectors) => log.append(mode, selectors),
    verdict: (stamp) => log.verdict(stamp),
    holds: (stamp) => log.holds(stamp),
    nodes: () => log.nodes(),
    close: () => log.close(),
  }
}

test('a HEAD does not confirm a copy that another process purges just before the origin is asked', async () => {
  let hears = () => {}
  const log = logOfMany(() => hears())
  const { clock, origin, get } = world({}, log)
  const first = get('/x/1')
  await settle()
  origin.next.answer({ headers: TAGGED, body: 'old' })
  await first
  await clock.advance(61_000)

  hears = () => {
    hears = () => {}
    void log.append('purge', { tags: ['product'] })
  }
  const head = get('/x/1', {}, { method: 'HEAD' })
  await settle()
  origin.next.answer({ headers: TAGGED })
  expect((await head).cacheStatus).not.toContain('stored')

  const last = get('/x/1')
  await settle()
  origin.next.answer({ headers: TAGGED, body: 'new' })
  expect((await last).body).toBe('new')
})
