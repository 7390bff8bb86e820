import { describe, expect, test } from 'vitest'
import { DEFAULT_RULES } from '../../../src/config/defaults.ts'
import { createCache } from '../../../src/library/embed.ts'
import type { InvalidationLog, Rules } from '../../../src/model.ts'
import { targetsOf } from '../../../src/stores/log/marks.ts'
import { Pending, worse } from '../../../src/stores/log/pending.ts'
import { localLog } from '../../../src/stores/memory/log.ts'
import { FakeClock, settle } from '../../support/fake-clock.ts'
import { PushedBody, ScriptedOrigin } from '../../support/scripted-origin.ts'
import { received } from '../../support/world.ts'
import { fieldsOf } from '../../support/fields.ts'

/* A node cut off from the invalidation log: whatever it fetched a lease ago or earlier may have been purged since. */

const LEASE_MS = 5_000
const FRESH = { 'Cache-Control': 'max-age=60' }

function cutOff(rules: Partial<Rules> = {}) {
  const clock = new FakeClock()
  const origin = new ScriptedOrigin()
  const local = localLog()
  const log: InvalidationLog = {
    generation: local.generation,
    position: 0,
    changes: 0,
    synced: false,
    started: local.started,
    append: async () => Promise.reject(new Error('cut off')),
    verdict: (stamp) => (clock.now() - stamp.startedAt < LEASE_MS ? local.verdict(stamp) : 'stale'),
    holds: (stamp) => local.holds(stamp),
    nodes: () => [],
    close() {},
  }
  const routes = [{ name: 'default', match: {}, origin, rules: { ...DEFAULT_RULES, ...rules } }]
  const cache = createCache({ log, clock, routes })
  const ask = async () => cache.handle({ method: 'GET', url: 'http://a.test/', fields: fieldsOf({}) })
  return { clock, origin, ask, get: async () => received(await ask()) }
}

test('a copy is fresh for one lease from the start of its fetch, then served only when the origin fails', async () => {
  const { clock, origin, get } = cutOff()
  origin.script((_, number) => (number < 3 ? { headers: FRESH, body: `answer ${number}` } : { status: 503 }))
  expect(await get()).toMatchObject({ body: 'answer 1', result: 'miss' })
  await clock.advance(LEASE_MS - 1)
  expect(await get()).toMatchObject({ body: 'answer 1', result: 'hit' })
  await clock.advance(1)
  expect(await get()).toMatchObject({ body: 'answer 2', result: 'miss' })
  await clock.advance(LEASE_MS)
  expect(await get()).toMatchObject({ body: 'answer 2', result: 'stale_if_error' })
})

test('a fetch that began a lease ago is not joined before its head has arrived', async () => {
  const { clock, origin, get } = cutOff()
  const first = get()
  await settle()
  await clock.advance(LEASE_MS)
  const second = get()
  await settle()
  expect(origin.requests).toHaveLength(2)
  origin.waiting[1]?.answer({ headers: FRESH, body: 'new' })
  origin.next.answer({ headers: FRESH, body: 'old' })
  expect((await second).body).toBe('new')
  expect((await first).body).toBe('old')
})

test('requests that have waited together for longer than a lease share the answer', async () => {
  const { clock, origin, get } = cutOff()
  const both = [get(), get()]
  await settle()
  await clock.advance(LEASE_MS)
  origin.next.answer({ headers: FRESH, body: 'late' })
  expect((await Promise.all(both)).map(({ body }) => body)).toEqual(['late', 'late'])
  expect(origin.requests).toHaveLength(1)
})

test('a fetch that began a lease ago is not joined while its body arrives', async () => {
  const { clock, origin, ask, get } = cutOff()
  const body = new PushedBody()
  const first = ask()
  await settle()
  origin.next.answer({ headers: FRESH, body })
  await first
  await clock.advance(LEASE_MS)
  const second = get()
  await settle()
  expect(origin.requests).toHaveLength(2)
  origin.next.answer({ headers: FRESH, body: 'new' })
  expect((await second).body).toBe('new')
})

test('a slow origin is waited for when the copy may have been purged', async () => {
  const { clock, origin, get } = cutOff({ softTimeout: 100 })
  const first = get()
  await settle()
  origin.next.answer({ headers: FRESH, body: 'old' })
  await first
  await clock.advance(LEASE_MS)
  const second = get()
  await settle()
  await clock.advance(1_000)
  origin.next.answer({ headers: FRESH, body: 'new' })
  expect((await second).body).toBe('new')
})

/** A cache whose purges cannot be logged, but take effect in its own process. */
function unreachable() {
  const clock = new FakeClock()
  const origin = new ScriptedOrigin()
  const local = localLog()
  const pending = new Pending(100)
  const log: InvalidationLog = {
    generation: local.generation,
    position: 0,
    get changes() {
      return pending.added
    },
    synced: true,
    started: local.started,
    append(mode, selectors) {
      pending.add({ mode, targets: targetsOf(selectors), at: clock.now() })
      return Promise.reject(new Error('not logged'))
    },
    verdict: (stamp) => worse(local.verdict(stamp), pending.verdict(stamp)),
    holds: (stamp) => local.holds(stamp),
    nodes: () => [],
    close() {},
  }
  const cache = createCache({
    log,
    clock,
    routes: [{ name: 'default', match: {}, origin, rules: { ...DEFAULT_RULES } }],
  })
  const get = async () => received(await cache.handle({ method: 'GET', url: 'http://a.test/', fields: fieldsOf({}) }))
  return { clock, origin, cache, get }
}

describe.each(['purge', 'invalidate'] as const)('a request after a %s by tag that could not be logged', (mode) => {
  test('does not get the response of a fetch that began before it', async () => {
    const { clock, origin, cache, get } = unreachable()
    const first = get()
    await settle()
    await clock.advance(10)
    await expect(cache[mode]({ tags: ['t'] })).rejects.toThrow('not logged')
    const second = get()
    await settle()
    origin.next.answer({ headers: { ...FRESH, 'Cache-Tag': 't' }, body: 'before' })
    await settle()
    origin.next.answer({ headers: FRESH, body: 'after' })
    expect([(await first).body, (await second).body]).toEqual(['before', 'after'])
  })

  test('does not get the value of a load that began before it', async () => {
    const { clock, cache } = unreachable()
    const loads = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
    let count = 0
    const get = () => cache.getOrSet('k', () => loads[count++]?.promise, { ttl: '1h', tags: ['t'] })
    const first = get()
    await settle()
    await clock.advance(10)
    await expect(cache[mode]({ tags: ['t'] })).rejects.toThrow('not logged')
    const second = get()
    loads[0]?.resolve('before')
    loads[1]?.resolve('after')
    expect([await first, await second]).toEqual(['before', 'after'])
  })
})
