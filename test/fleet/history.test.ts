import { describe, expect, test } from 'vitest'
import fc from '../support/fast-check.ts'
import { type Body, check, emptyHistory, explain, type Get, type History, type Purge } from './history.ts'

const KEY = 'k'

const body = (version: number, more: Partial<Body> = {}): Body => {
  return { key: KEY, variant: '', user: undefined, version, ...more }
}
const get = (start: number, version: number | undefined, more: Partial<Get> = {}): Get => ({
  node: 'a',
  key: KEY,
  variant: '',
  user: undefined,
  start,
  end: start + 0.5,
  status: version === undefined ? 502 : 200,
  body: version === undefined ? undefined : body(version),
  cacheStatus: 'herdgate; hit; ttl=1',
  ...more,
})
const purge = (call: number, at: number, status: number, more: Partial<Purge> = {}): Purge => {
  return { mode: 'purge', node: 'b', keys: [KEY], call, answer: { at, status }, ...more }
}
const write = (version: number, at: number) => ({ key: KEY, version, at })

/** Versions 1 and 2 were written at 0 and 10; all versions have been served to everyone. */
function history(parts: Partial<History>): History {
  const served = [1, 2, 3].map((version) => ({ ...body(version), at: 0 }))
  return { ...emptyHistory(), writes: [write(1, 0), write(2, 10)], served, ...parts }
}

const found = (parts: Partial<History>, guarantees = {}) => check(history(parts), guarantees).map(({ what }) => what)

describe('an acknowledged purge', () => {
  const acknowledged = [purge(20, 30, 200)]

  test('forbids answers older than the write it followed', () => {
    expect(found({ purges: acknowledged, gets: [get(31, 1)] })).toEqual(['lost purge'])
    expect(found({ purges: acknowledged, gets: [get(31, 2)] })).toEqual([])
  })

  test('forbids them long afterwards too', () => {
    expect(found({ purges: acknowledged, gets: [get(1e9, 1)] })).toEqual(['lost purge'])
  })

  test('binds only GETs that begin after the acknowledgement', () => {
    expect(found({ purges: acknowledged, gets: [get(30, 1), get(25, 1, { end: 99 })] })).toEqual([])
  })

  test('does not cover writes after its call', () => {
    const writes = [write(1, 0), write(2, 20), write(3, 25)]
    expect(found({ writes, purges: acknowledged, gets: [get(31, 1)] })).toEqual([])
  })

  test('covers only its own keys', () => {
    expect(found({ purges: [purge(20, 30, 200, { keys: ['other'] })], gets: [get(31, 1)] })).toEqual([])
  })

  test('is not superseded by later failed purges', () => {
    const purges = [...acknowledged, purge(40, 50, 503), purge(60, 70, 202)]
    expect(found({ purges, gets: [get(80, 1)] })).toEqual(['lost purge'])
  })

  test('reports which answer is wrong, and what was due', () => {
    const [violation] = check(history({ purges: acknowledged, gets: [get(31, 1)] }))
    expect(violation).toMatchObject({ least: 2, purge: acknowledged[0] })
    const text = explain(history({ purges: acknowledged }), violation!)
    expect(text).toContain('at least version 2 was due')
    expect(text.split('\n').findIndex((line) => line.includes('answered 200'))).toBeGreaterThan(1)
  })
})

test('a stale copy may be served after an invalidation, but not after a purge', () => {
  const stale = get(31, 1, { cacheStatus: 'herdgate; hit; ttl=-3; detail=stale-if-error' })
  expect(found({ purges: [purge(20, 30, 200, { mode: 'invalidate' })], gets: [stale] })).toEqual([])
  expect(found({ purges: [purge(20, 30, 200)], gets: [stale] })).toEqual(['lost purge'])
  expect(found({ purges: [purge(20, 30, 200, { mode: 'invalidate' })], gets: [get(31, 1)] })).toEqual(['lost purge'])
})

test('a purge does not bind if the origin failed and the node may not have received the purge', () => {
  const onError = get(31, 1, { cacheStatus: 'herdgate; hit; ttl=-3; detail=stale-if-error' })
  const slow = get(31, 1, { cacheStatus: 'herdgate; hit; ttl=-3; detail=soft-timeout' })
  const guarantees = { mayBeCutOffFromAll: true }
  expect(found({ purges: [purge(20, 30, 200)], gets: [onError] }, guarantees)).toEqual([])
  expect(found({ purges: [purge(20, 30, 200)], gets: [{ ...onError, inStep: true }] }, guarantees)).toEqual([
    'lost purge',
  ])
  expect(found({ purges: [purge(20, 30, 200)], gets: [slow, get(31, 1)] }, guarantees)).toEqual([
    'lost purge',
    'lost purge',
  ])
})

describe('a purge need not wait for a node that is cut off from the log for long', () => {
  const guarantees = { leaseMs: 100 }
  const purges = [purge(2_000, 2_010, 200)]
  const writes = [write(1, 0), write(2, 1_990)]
  const at = (start: number, lastInStep: number | undefined) => {
    return found({ writes, purges, gets: [get(start, 1, { lastInStep })] }, guarantees)
  }

  test.each([-Infinity, 0, 900])('but binds there a lease after its call: last in step at %d', (lastInStep) => {
    expect(at(2_099, lastInStep)).toEqual([])
    expect(at(2_101, lastInStep)).toEqual(['lost purge'])
  })

  test.each([920, 1_990, 2_005, 2_020, undefined])('and waits for all others: last in step at %d', (lastInStep) => {
    expect(at(2_021, lastInStep)).toEqual(['lost purge'])
  })

  test('and waits for every node if the lease is not known', () => {
    expect(found({ writes, purges, gets: [get(2_021, 1, { lastInStep: -Infinity })] })).toEqual(['lost purge'])
  })
})

describe('an unacknowledged purge', () => {
  test.each([503, 202])('guarantees nothing immediately: %i', (status) => {
    expect(found({ purges: [purge(20, 30, status)], gets: [get(31, 1)] })).toEqual([])
  })

  test('guarantees nothing if it was not answered', () => {
    expect(found({ purges: [{ ...purge(20, 0, 0), answer: undefined }], gets: [get(1e9, 1)] })).toEqual([])
  })

  test('binds after a time if it was logged', () => {
    const guarantees = { loggedHoldsAfterMs: 100 }
    const gets = [get(129, 1), get(131, 1)]
    expect(found({ purges: [purge(20, 30, 202)], gets }, guarantees)).toEqual(['late purge'])
    expect(found({ purges: [purge(20, 30, 503)], gets }, guarantees)).toEqual([])
  })
})

describe('a foreign body', () => {
  const anns = { ...body(1), user: 'ann', at: 0 }

  test.each<[string, Partial<Body>]>([
    ['of another key', { key: 'other' }],
    ['of another variant', { variant: 'de' }],
    ['of a version that was never served', { version: 9 }],
  ])('is content %s', (_, more) => {
    const served = [1, 2].flatMap((version) => [
      { ...body(version), at: 0 },
      { ...body(version), key: 'other', at: 0 },
      { ...body(version), variant: 'de', at: 0 },
    ])
    expect(found({ served, gets: [get(1, 1, { body: body(1, more) })] })).toEqual(['foreign body'])
    expect(found({ served, gets: [get(1, 1)] })).toEqual([])
  })

  test('is content for another user', () => {
    const gets = (user: string | undefined) => [get(1, 1, { user, body: body(1, { user: 'ann' }) })]
    expect(found({ served: [anns], gets: gets('ann') })).toEqual([])
    expect(found({ served: [anns], gets: gets('bob') })).toEqual(['foreign body'])
    expect(found({ served: [anns], gets: gets(undefined) })).toEqual(['foreign body'])
  })

  test('is content that the origin sent only later', () => {
    expect(found({ served: [{ ...body(1), at: 5 }], gets: [get(1, 1)] })).toEqual(['foreign body'])
  })
})

test('a GET without origin content violates nothing', () => {
  expect(found({ purges: [purge(20, 30, 200)], gets: [get(31, undefined)] })).toEqual([])
})

/** What a client may see of one key if every purge takes effect the moment it is called. */
const events = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.constant('write' as const) },
    { weight: 2, arbitrary: fc.constant('purge' as const) },
    { weight: 6, arbitrary: fc.constant('get' as const) },
  ),
  { maxLength: 60 },
)

/** A cache that drops purged entries, or one that keeps them all. */
function play(kinds: readonly ('write' | 'purge' | 'get')[], heedsPurges: boolean): History {
  const played = emptyHistory()
  let version = 1
  let copy: number | undefined
  played.writes.push(write(1, 0))
  for (const [index, kind] of kinds.entries()) {
    const at = (index + 1) * 10
    if (kind === 'write') played.writes.push(write(++version, at))
    if (kind === 'purge') {
      played.purges.push(purge(at, at + 1, 200))
      if (heedsPurges) copy = undefined
    }
    if (kind !== 'get') continue
    if (copy === undefined) {
      copy = version
      played.served.push({ ...body(version), at })
    }
    played.gets.push(get(at, copy))
  }
  return played
}

describe('random histories of a cache', () => {
  test('that honours purges are all accepted', () => {
    fc.assert(
      fc.property(events, (kinds) => {
        expect(check(play(kinds, true))).toEqual([])
      }),
    )
  })

  test('that ignores purges are rejected if a copy outlived a write and the purge after it', () => {
    fc.assert(
      fc.property(events, (kinds) => {
        const first = kinds.indexOf('get')
        const later = kinds.slice(first).join(' ')
        const shows = first >= 0 && /write.*purge.*get/.test(later)
        expect(check(play(kinds, false)).length > 0).toBe(shows)
      }),
    )
  })
})
