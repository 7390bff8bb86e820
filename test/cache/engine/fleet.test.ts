import { describe, expect, test, vi } from 'vitest'
import { DEFAULT_RULES } from '../../../src/config/defaults.ts'
import { createCache } from '../../../src/library/embed.ts'
import { HerdgateError } from '../../../src/errors.ts'
import { Events } from '../../../src/events.ts'
import { field } from '../../../src/fields.ts'
import type { FetchLeases, InvalidationLog, OriginRequest, Rules } from '../../../src/model.ts'
import { takeTurn } from '../../../src/cache/engine/turn.ts'
import { Generations } from '../../../src/stores/log/generations.ts'
import { localLog } from '../../../src/stores/memory/log.ts'
import { memoryStore } from '../../../src/stores/memory/store.ts'
import { soleLeases } from '../../../src/stores/sole-leases.ts'
import { createTiered } from '../../../src/stores/tiered.ts'
import { FakeClock, settle } from '../../support/fake-clock.ts'
import { FarStore } from '../../support/far-store.ts'
import { PushedBody, ScriptedOrigin } from '../../support/scripted-origin.ts'
import { sharedLeases } from '../../support/shared-leases.ts'
import { gate } from '../../support/waiting.ts'
import { received } from '../../support/world.ts'
import { fieldsOf } from '../../support/fields.ts'

const FRESH = { 'Cache-Control': 'max-age=60' }

interface FleetOptions {
  readonly rules?: Partial<Rules>
  readonly leases?: FetchLeases
  /** By node; the others share one. */
  readonly logs?: readonly InvalidationLog[]
  readonly clocks?: readonly FakeClock[]
  readonly size?: number
}

/** Caches, each with its own memory, over one far store, one log and one set of leases. */
function fleet({ rules = {}, leases = sharedLeases(), logs = [], clocks = [], size = 3 }: FleetOptions = {}) {
  const clock = new FakeClock()
  const origin = new ScriptedOrigin()
  const log = localLog({ generation: 'g' })
  const far = new FarStore()
  const events = new Events()
  const collapses: string[] = []
  events.on('collapse', ({ outcome }) => void collapses.push(outcome))
  const revalidations: string[] = []
  events.on('revalidation', ({ outcome }) => void revalidations.push(outcome))
  const route = { name: 'default', match: {}, origin, rules: { ...DEFAULT_RULES, ...rules } }
  const nodes = Array.from({ length: size }, (_, at) => {
    const own = clocks[at] ?? clock
    const store = createTiered([memoryStore({ maxBytes: '64MiB' }), far], own)
    const sharing = { leases, maxObjectBytes: 1000 }
    const cache = createCache({ store, log: logs[at] ?? log, clock: own, events, routes: [route], sharing })
    return async (path: string, headers: Record<string, string> = {}, method = 'GET') =>
      received(await cache.handle({ method, url: `http://a.test${path}`, fields: fieldsOf(headers) }))
  })
  const [a, b, c] = nodes
  if (a === undefined || b === undefined || c === undefined) throw new Error('unreachable')
  return { clock, origin, log, far, nodes, a, b, c, leases, collapses, revalidations }
}

const UNAVAILABLE: FetchLeases = { take: () => Promise.resolve({ kind: 'unavailable' }), close() {} }

/** A log without records, in which a new generation can begin. */
function replaceableLog() {
  const generations = new Generations('g', 100)
  const log: InvalidationLog = {
    get generation() {
      return generations.generation
    },
    position: 0,
    get changes() {
      return generations.changes
    },
    synced: true,
    started: Promise.resolve(),
    append: () => Promise.reject(new Error('no records')),
    verdict: (stamp) => generations.verdict(stamp),
    holds: (stamp) => generations.holds(stamp),
    nodes: () => [],
    close: () => {},
  }
  const begin = (generation: string, continues: ReadonlyMap<string, number> = new Map()) => {
    const floor = { purged: 0, invalidated: 0 }
    generations.load({ generation, position: 0, nonce: '', floor, marks: [], continues })
  }
  return { log, begin }
}

describe('one fetch for the fleet', () => {
  test('many clients of every node on one cold key make one origin request', async () => {
    const { origin, a, b, c, collapses } = fleet()
    const all = [a, b, c].flatMap((node) => Array.from({ length: 20 }, () => node('/')))
    await settle()
    expect(origin.requests).toHaveLength(1)
    origin.next.answer({ headers: FRESH, body: 'v1' })
    const answers = await Promise.all(all)
    expect(answers.map(({ body }) => body)).toEqual(answers.map(() => 'v1'))
    expect(answers.filter(({ result }) => result === 'miss')).toHaveLength(1)
    expect(answers.filter(({ result }) => result === 'collapsed')).toHaveLength(59)
    expect(collapses).toEqual(Array.from({ length: 59 }, () => 'reused'))
    expect(origin.requests).toHaveLength(1)
  })

  test('a response stored by one node is a hit on the others', async () => {
    const { origin, a, b } = fleet()
    origin.script(() => ({ headers: FRESH, body: 'v1' }))
    await a('/')
    expect(await b('/')).toMatchObject({ body: 'v1', result: 'hit' })
    expect(origin.requests).toHaveLength(1)
  })

  test('a node that was taken for dead does not replace what another fetched after it', async () => {
    const lease = { fence: 1, isDoubtful: true, release() {} }
    const { clock, origin, a, b, c } = fleet({
      leases: { take: () => Promise.resolve({ kind: 'held', lease }), close() {} },
    })
    const early = a('/')
    await settle()
    await clock.advance(1)
    const asked = [early, b('/')]
    await settle()
    const [first, second] = [...origin.waiting]
    second?.answer({ headers: FRESH, body: 'v2' })
    await settle()
    first?.answer({ headers: FRESH, body: 'v1' })
    expect((await Promise.all(asked)).map(({ body }) => body)).toEqual(['v1', 'v2'])
    await settle()
    for (const node of [a, b, c]) expect(await node('/')).toMatchObject({ body: 'v2', result: 'hit' })
  })

  test('storing under a lease that was held throughout reads nothing from the far store', async () => {
    const { origin, clock, far, a } = fleet()
    for (const path of ['/', '/', '/other']) {
      const asked = a(path)
      await settle()
      const { reads } = far
      await clock.advance(61_000)
      origin.next.answer({ headers: FRESH, body: 'v' })
      await asked
      await settle()
      expect(far.reads).toBe(reads)
      await clock.advance(61_000)
    }
  })

  describe('a node that asks first and is answered last does not replace the later response', () => {
    const PUBLIC = { 'Cache-Control': 'public, s-maxage=60' }
    const EARLY = { headers: PUBLIC, body: 'early' }
    const LATER = { headers: PUBLIC, body: 'later' }
    const VARYING = { headers: { ...PUBLIC, Vary: 'Accept' }, body: 'early' }
    const PRIVATE = { headers: { 'Cache-Control': 'private' }, body: 'for a' }
    const COOKIE = { Cookie: 'a=1' }

    interface CrossingOptions {
      readonly early?: Record<string, string>
      readonly late?: Record<string, string>
      readonly answers?: readonly [early: object, later: object]
    }

    /** Node a asks first and is answered last. */
    async function crossing(
      { clock, origin, a, b }: ReturnType<typeof fleet>,
      { early = {}, late = {}, answers = [EARLY, LATER] }: CrossingOptions = {},
    ) {
      const first = a('/', early)
      await settle()
      await clock.advance(1)
      const second = b('/', late)
      await settle()
      const [toFirst, toSecond] = [...origin.waiting]
      toSecond?.answer(answers[1])
      await second
      await settle()
      toFirst?.answer(answers[0])
      await first
      await settle()
      origin.script(() => ({ status: 500, body: 'asked again' }))
    }

    test.each([
      ['leases are unavailable', { leases: UNAVAILABLE }, {}],
      ['each fetches for itself', { leases: soleLeases }, {}],
      ['its request had a cookie', {}, { early: COOKIE }],
      ['its answer is for its client alone', { leases: UNAVAILABLE }, { answers: [PRIVATE, LATER] as const }],
      ['its answer varies', { leases: UNAVAILABLE }, { answers: [VARYING, LATER] as const }],
      ['the later one varies', { leases: UNAVAILABLE }, { answers: [EARLY, { ...VARYING, body: 'later' }] as const }],
    ])('even when %s', async (_, options, asked) => {
      const nodes = fleet(options)
      await crossing(nodes, asked)
      for (const node of [nodes.a, nodes.b, nodes.c]) {
        expect(await node('/')).toMatchObject({ body: 'later', result: 'hit' })
      }
    })

    test.each([{ leases: UNAVAILABLE }, {}])('even when both had an older copy', async (options) => {
      const nodes = fleet(options)
      nodes.origin.script(() => ({ headers: PUBLIC, body: 'older' }))
      await nodes.a('/')
      await nodes.b('/')
      nodes.origin.script(() => undefined)
      await nodes.clock.advance(61_000)
      await crossing(nodes, { early: COOKIE })
      for (const node of [nodes.a, nodes.b, nodes.c]) {
        expect(await node('/')).toMatchObject({ body: 'later', result: 'hit' })
      }
    })

    test.each([
      ['varies, unlike the older copy of both', PUBLIC, VARYING, LATER],
      ['varies as older copies of both do', VARYING.headers, VARYING, LATER],
      [
        'names other fields in Vary',
        VARYING.headers,
        { ...EARLY, headers: { ...PUBLIC, Vary: 'X' } },
        { ...VARYING, body: 'later' },
      ],
    ])('even when its answer %s', async (_, headers, early, later) => {
      const nodes = fleet({ leases: UNAVAILABLE })
      nodes.origin.script(() => ({ headers, body: 'older' }))
      await nodes.a('/')
      await nodes.b('/')
      nodes.origin.script(() => undefined)
      await nodes.clock.advance(61_000)
      await crossing(nodes, { answers: [early, later] })
      for (const node of [nodes.b, nodes.c]) expect(await node('/')).toMatchObject({ body: 'later', result: 'hit' })
      expect(await nodes.a('/')).not.toMatchObject({ body: 'early' })
    })

    test('even when the later one arrives while the earlier one announces its variant', async () => {
      const { clock, origin, far, a } = fleet()
      const varying = (body: string) => ({ ...VARYING, body })
      origin.script(() => varying('older'))
      await a('/')
      await clock.advance(61_000)
      origin.script(() => undefined)
      const first = a('/')
      await settle()
      await clock.advance(1)
      const second = a('/', { Authorization: 'Bearer a' })
      await settle()
      const [toFirst, toSecond] = [...origin.waiting]
      const releaseReads = far.hold()
      toSecond?.answer(varying('later'))
      await second
      const releaseWrites = far.holdWrites()
      toFirst?.answer(varying('early'))
      await first
      releaseReads()
      await settle()
      releaseWrites()
      await settle()
      expect(await a('/')).toMatchObject({ body: 'later', result: 'hit' })
    })

    test('even when the later one names other fields in Vary and each holds the lease of its variant', async () => {
      const nodes = fleet()
      const [html, plain] = [{ Accept: 'text/html' }, { Accept: 'text/plain' }]
      nodes.origin.script(() => ({ headers: VARYING.headers, body: 'older' }))
      for (const node of [nodes.a, nodes.b]) for (const variant of [html, plain]) await node('/', variant)
      await nodes.clock.advance(61_000)
      nodes.origin.script(() => undefined)
      const later = { headers: { ...PUBLIC, Vary: 'X-Other' }, body: 'later' }
      await crossing(nodes, { early: html, late: plain, answers: [VARYING, later] })
      for (const node of [nodes.a, nodes.b, nodes.c]) {
        expect(await node('/', html)).toMatchObject({ body: 'later', result: 'hit' })
      }
    })

    test('nor is the earlier one stored where a later Vary would lead to it', async () => {
      const { clock, origin, a } = fleet({ leases: soleLeases })
      const first = a('/', { Authorization: 'Bearer a' })
      await settle()
      await clock.advance(1)
      const second = a('/')
      await settle()
      origin.waiting[1]?.answer(LATER)
      await second
      origin.next.answer({ ...VARYING, headers: { 'Cache-Control': 'public, max-age=600', Vary: 'Accept' } })
      await first
      await settle()
      await clock.advance(30_000)
      origin.script(() => ({ ...VARYING, body: 'latest' }))
      await a('/', { Accept: 'text/html', 'Cache-Control': 'no-cache' })
      expect(await a('/')).toMatchObject({ body: 'latest', result: 'miss' })
    })

    test('even when the later one expires before the copy in memory', async () => {
      const nodes = fleet({ leases: UNAVAILABLE })
      nodes.origin.script(() => ({ headers: { 'Cache-Control': 'public, max-age=600' }, body: 'older' }))
      await nodes.a('/')
      nodes.origin.script(() => undefined)
      await nodes.clock.advance(1)
      await crossing(nodes, { early: { 'Cache-Control': 'no-cache' }, late: { 'Cache-Control': 'no-cache' } })
      for (const node of [nodes.b, nodes.c]) expect(await node('/')).toMatchObject({ body: 'later', result: 'hit' })
    })

    test('even when its lease was released at its head because its content is too long to share', async () => {
      const { clock, origin, a, b, c } = fleet()
      const first = a('/')
      await settle()
      const body = new PushedBody()
      origin.next.answer({ headers: { ...FRESH, 'Content-Length': '2000' }, body })
      await clock.advance(1)
      origin.script(() => ({ headers: FRESH, body: 'later' }))
      await b('/')
      body.push('x'.repeat(2_000))
      body.end()
      await first
      await settle()
      for (const node of [a, b, c]) expect(await node('/')).toMatchObject({ body: 'later', result: 'hit' })
    })

    test('even when its answer is a part of an older representation', async () => {
      const nodes = fleet()
      const part = { ...FRESH, ETag: '"1"', 'Content-Range': 'bytes 0-1/4', 'Content-Length': '2' }
      const whole = { headers: { ...FRESH, ETag: '"2"' }, body: 'later' }
      const answers = [{ status: 206, headers: part, body: 'ea' }, whole] as const
      await crossing(nodes, { early: { Range: 'bytes=0-1' }, answers })
      for (const node of [nodes.b, nodes.c]) expect(await node('/')).toMatchObject({ body: 'later', result: 'hit' })
    })
  })

  test('a reload under a doubtful lease replaces the copy, however fresh', async () => {
    const lease = { fence: 1, isDoubtful: true, release() {} }
    const { origin, a, b } = fleet({ leases: { take: () => Promise.resolve({ kind: 'held', lease }), close() {} } })
    origin.script((_, number) => ({ headers: FRESH, body: `v${number}` }))
    await a('/')
    expect(await a('/', { 'Cache-Control': 'no-cache' })).toMatchObject({ body: 'v2' })
    await settle()
    for (const node of [a, b]) expect(await node('/')).toMatchObject({ body: 'v2', result: 'hit' })
  })

  test('a reload replaces the copy of a node whose clock is ahead', async () => {
    const ahead = new FakeClock()
    await ahead.advance(10_000)
    const { origin, a, b, c } = fleet({ leases: UNAVAILABLE, clocks: [ahead] })
    origin.script((_, number) => ({ headers: FRESH, body: `v${number}` }))
    await a('/')
    expect(await b('/', { 'Cache-Control': 'no-cache' })).toMatchObject({ body: 'v2' })
    await settle()
    for (const node of [b, c]) expect(await node('/')).toMatchObject({ body: 'v2', result: 'hit' })
  })

  test('a fetch under a doubtful lease replaces the part it was asked to complete', async () => {
    const lease = { fence: 1, isDoubtful: true, release() {} }
    const { clock, origin, a, b } = fleet({
      leases: { take: () => Promise.resolve({ kind: 'held', lease }), close() {} },
    })
    const validated = { ...FRESH, ETag: '"1"' }
    const partial = { ...validated, 'Content-Range': 'bytes 0-3/10', 'Content-Length': '4' }
    origin.script((_, number) =>
      number === 1
        ? { status: 206, headers: partial, body: '0123' }
        : { headers: { ...validated, ETag: '"2"', 'Content-Length': '10' }, body: '0123456789' },
    )
    await a('/', { Range: 'bytes=0-3' })
    await clock.advance(1)
    expect(await a('/')).toMatchObject({ body: '0123456789' })
    await settle()
    for (const node of [a, b]) expect(await node('/')).toMatchObject({ body: '0123456789', result: 'hit' })
  })

  test('a load under a doubtful lease does not replace a value set while it checks for a newer one', async () => {
    const lease = { fence: 1, isDoubtful: true, release() {} }
    const leases: FetchLeases = { take: () => Promise.resolve({ kind: 'held', lease }), close() {} }
    const far = new FarStore()
    const clock = new FakeClock()
    const store = createTiered([memoryStore({ maxBytes: '1MiB' }), far], clock)
    const cache = createCache({ store, clock, sharing: { leases, maxObjectBytes: 1000 } })
    const loaded = gate()
    const loading = cache.getOrSet('k', async () => loaded.opened.then(() => 'loaded'))
    await settle()
    const release = far.hold()
    loaded.open()
    await settle()
    const setting = cache.set('k', 'set')
    await settle()
    release()
    expect(await loading).toBe('loaded')
    await setting
    await settle()
    expect(await cache.get('k')).toBe('set')
  })

  test('a refresh ahead of expiry asks the origin once for all nodes', async () => {
    const { origin, clock, a, b } = fleet({ rules: { refreshAhead: 0.8 } })
    origin.script((_, number) => ({ headers: FRESH, body: `v${number}` }))
    await a('/')
    await clock.advance(50_000)
    expect(await a('/')).toMatchObject({ body: 'v1', result: 'hit' })
    expect(await b('/')).toMatchObject({ body: 'v1', result: 'hit' })
    await settle()
    for (const node of [a, b]) expect(await node('/')).toMatchObject({ body: 'v2', result: 'hit' })
    expect(origin.requests).toHaveLength(2)
  })

  test('a copy that one node revalidates for all counts as revalidated once', async () => {
    const { origin, clock, a, b, c, revalidations } = fleet()
    const headers = { ...FRESH, ETag: '"1"' }
    origin.script((_, number) => (number === 1 ? { headers, body: 'v1' } : undefined))
    for (const node of [a, b, c]) await node('/')
    await clock.advance(61_000)
    const asked = [a('/'), b('/')]
    await settle()
    origin.next.answer({ status: 304, headers })
    expect((await Promise.all(asked)).map(({ result }) => result)).toEqual(['revalidated', 'collapsed'])
    expect(revalidations).toEqual(['not_modified'])
  })

  test('a request joins a fetch without first reading from the far store whether its key is unshareable', async () => {
    const { origin, clock, far, a } = fleet({ rules: { softTimeout: 100 } })
    origin.script((_, number) => (number === 1 ? { headers: { ...FRESH, ETag: '"1"' }, body: 'v1' } : undefined))
    await a('/')
    await clock.advance(61_000)
    const first = a('/', { Cookie: 'a=1' })
    await settle()
    expect(origin.waiting).toHaveLength(1)
    await clock.advance(100)
    expect((await first).result).toBe('stale')
    const resumeReads = far.hold()
    const second = a('/', { Cookie: 'b=2' })
    await settle()
    await clock.advance(100)
    const slow = await Promise.race([second, settle().then(() => 'still waiting')])
    expect(slow).toMatchObject({ body: 'v1', result: 'stale' })
    expect(origin.requests).toHaveLength(2)
    resumeReads()
  })

  test.each(['no-cache', 'max-age=0'])(
    'a request with %s is not answered with what another node had begun to fetch before it came',
    async (directive) => {
      const { origin, a, b } = fleet()
      const body = new PushedBody()
      const first = a('/')
      await settle()
      origin.next.answer({ headers: FRESH, body })
      const second = b('/')
      await settle()
      const reload = b('/', { 'Cache-Control': directive })
      await settle()
      body.push('v1')
      body.end()
      expect([(await first).body, (await second).body]).toEqual(['v1', 'v1'])
      await settle()
      origin.next.answer({ headers: FRESH, body: 'v2' })
      expect((await reload).body).toBe('v2')
    },
  )

  test('content under a new Vary that breaks off does not bring back what another node has replaced', async () => {
    const { origin, a, b, c } = fleet()
    const reload = { 'Cache-Control': 'no-cache' }
    origin.script(() => ({ headers: FRESH, body: 'v1' }))
    await a('/')
    const body = new PushedBody()
    origin.script(() => ({ headers: { ...FRESH, Vary: 'Accept' }, body }))
    const broken = a('/', reload)
    await settle()
    origin.script(() => ({ headers: FRESH, body: 'v2' }))
    await b('/', { ...reload, Authorization: 'x' }) // does not join the fetch in progress
    await b('/', reload)
    body.break()
    await expect(broken).rejects.toThrow()
    await settle()
    expect(await c('/')).toMatchObject({ body: 'v2', result: 'hit' })
  })

  test('variants that two nodes fetch at once are both found by their language', async () => {
    const { clock, origin, a, b, c } = fleet()
    const inLanguage = ({ fields }: OriginRequest) => {
      const language = field(fields, 'accept-language')?.slice(0, 2) ?? ''
      return { headers: { ...FRESH, Vary: 'Accept-Language', 'Content-Language': language }, body: language }
    }
    const prefers = (language: string) => ({ 'Accept-Language': language })
    origin.script(inLanguage)
    for (const node of [a, b]) await node('/', prefers('en'))
    origin.script(() => undefined)
    await clock.advance(1)
    const asked = [a('/', prefers('de')), b('/', prefers('fr'))]
    await settle()
    while (origin.waiting.length > 0) {
      origin.next.answer(inLanguage(origin.next.request))
      await settle()
    }
    await Promise.all(asked)
    origin.script(() => ({ status: 500, body: 'asked again' }))
    for (const language of ['de', 'fr']) {
      expect(await c('/', prefers(`${language}, en;q=0.1`))).toMatchObject({ body: language, result: 'hit' })
    }
  })

  test('a node with a stale copy takes the one that another node has refreshed', async () => {
    const { origin, clock, a, b, collapses, leases } = fleet()
    origin.script(() => ({ headers: FRESH, body: 'v1' }))
    await a('/')
    await b('/')
    await clock.advance(61_000)
    origin.script(() => ({ headers: FRESH, body: 'v2' }))
    expect(await a('/')).toMatchObject({ body: 'v2' })
    expect(await b('/')).toMatchObject({ body: 'v2', cacheStatus: 'herdgate; hit; ttl=60' }) // no fetch was in flight
    expect(collapses).toEqual([])
    expect(origin.requests).toHaveLength(2)
    expect(leases).toMatchObject({ held: 0 })
  })

  test('a HEAD that shows the copy of its node outdated leaves what another has stored meanwhile', async () => {
    const { clock, origin, a, b, c } = fleet()
    const version = (number: number) => ({ headers: { ...FRESH, ETag: `"${number}"` }, body: `v${number}` })
    origin.script(() => version(1))
    await a('/')
    await clock.advance(61_000)
    origin.script(() => version(2))
    await b('/')
    await a('/', {}, 'HEAD')
    await settle()
    origin.script(() => ({ status: 500, body: 'asked again' }))
    for (const node of [b, c, a]) expect(await node('/')).toMatchObject({ body: 'v2', result: 'hit' })
  })

  test('a node keeps a copy taken from one that was first in a new generation, though its own is younger', async () => {
    const [first, second] = [replaceableLog(), replaceableLog()]
    const { origin, clock, far, a, b } = fleet({ logs: [first.log, second.log] })
    origin.script(() => ({ headers: FRESH, body: 'v1' }))
    first.begin('h')
    await a('/')
    await clock.advance(1_000)
    const lost = vi.spyOn(far, 'set').mockResolvedValue()
    await b('/')
    lost.mockRestore()
    expect(origin.requests).toHaveLength(2)
    second.begin('h')
    const read = vi.spyOn(far, 'get')
    expect(await b('/')).toMatchObject({ result: 'hit' })
    const taken = read.mock.calls.length
    expect(taken).toBeGreaterThan(0)
    expect(await b('/')).toMatchObject({ result: 'hit' })
    expect(read).toHaveBeenCalledTimes(taken)
    expect(origin.requests).toHaveLength(2)
  })

  describe('in a new generation that continues the previous one', () => {
    const continuesG = new Map([['g', 0]])

    test('a copy of the previous one is served when the origin is slow; without continuation, none is', async () => {
      for (const [continues, result] of [
        [continuesG, 'stale'],
        [new Map(), 'miss'],
      ] as const) {
        const { log, begin } = replaceableLog()
        const { origin, clock, a } = fleet({ logs: [log], rules: { softTimeout: 100 } })
        origin.script((_, number) => (number === 1 ? { headers: FRESH, body: 'v1' } : undefined))
        await a('/')
        begin('h', continues)
        await clock.advance(61_000)
        const asked = a('/')
        await settle()
        await clock.advance(100)
        origin.next.answer({ headers: FRESH, body: 'v2' })
        expect((await asked).result).toBe(result)
      }
    })

    const half = ({ fields }: OriginRequest) => {
      const first = Number(/^bytes=(\d+)-/.exec(field(fields, 'range') ?? '')?.[1] ?? 0)
      const headers = { ...FRESH, ETag: '"1"', 'Content-Range': `bytes ${first}-${first + 4}/10` }
      return { status: 206, headers, body: '0123456789'.slice(first, first + 5) }
    }

    /** A node that has the first half of ten octets and gets the second half in the next generation. */
    const halves = async (continues: ReadonlyMap<string, number>) => {
      const { log, begin } = replaceableLog()
      const { origin, a } = fleet({ logs: [log] })
      origin.script(half)
      await a('/', { Range: 'bytes=0-4' })
      begin('h', continues)
      await a('/', { Range: 'bytes=5-9' })
      return { a, begin }
    }

    test('parts of the previous generation are joined with those of the new one', async () => {
      const { a, begin } = await halves(continuesG)
      expect(await a('/')).toMatchObject({ status: 200, body: '0123456789', result: 'hit' })
      begin('i', new Map([['h', 0]]))
      expect((await a('/')).result).toBe('hit')
      begin('j')
      expect((await a('/')).result).not.toBe('hit')
    })

    test('parts of a generation that it does not continue are not joined', async () => {
      const { a } = await halves(new Map())
      expect((await a('/', { Range: 'bytes=0-4' })).result).toBe('miss')
    })

    test('a part that is being stored when a new generation begins does not replace a valid one', async () => {
      const [first, second] = [replaceableLog(), replaceableLog()]
      const { origin, far, a, b } = fleet({ logs: [first.log, second.log] })
      second.begin('h')
      const early = a('/', { Range: 'bytes=5-9' })
      await settle()
      origin.script(half)
      await b('/', { Range: 'bytes=0-4' })
      const resumeReads = far.hold()
      origin.next.answer(half(origin.next.request))
      await early
      await settle()
      first.begin('h')
      resumeReads()
      await settle()
      expect((await a('/', { Range: 'bytes=0-4' })).result).toBe('hit')
    })
  })

  test.each([
    ['a complete copy that would be revalidated', {}, {}],
    ['a partial copy that would be completed', { 'Content-Range': 'bytes 0-1/4' }, { Range: 'bytes=0-1' }],
  ])('%s is not, if it is purged while the lease is waited for', async (_, said, range) => {
    const turn = gate()
    let isHeldUp = false
    const lease = { fence: 1, release() {} }
    const leases: FetchLeases = {
      async take() {
        if (isHeldUp) await turn.opened
        return { kind: 'held', lease }
      },
      close() {},
    }
    const { origin, clock, log, a } = fleet({ leases })
    const status = 'Content-Range' in said ? 206 : 200
    origin.script(() => ({ status, headers: { ...FRESH, ETag: '"1"', ...said }, body: 'ol' }))
    await a('/', range)
    if (status === 200) await clock.advance(61_000)
    isHeldUp = true
    const asked = a('/')
    await settle()
    await log.append('purge', { urls: ['a.test/'] })
    origin.script(() => ({ headers: FRESH, body: 'new!' }))
    turn.open()
    expect((await asked).body).toBe('new!')
    const [, request] = origin.requests
    expect(['if-none-match', 'range', 'if-range'].map((name) => field(request?.fields ?? [], name))).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  test('a node whose look-up fails releases the lease', async () => {
    const released: string[] = []
    const lease = { fence: 1, release: async (ending: string) => void released.push(ending) }
    const leases = { take: async () => ({ kind: 'held', lease }) as const, close: async () => {} }
    await expect(takeTurn(leases, 'k', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    expect(released).toEqual(['unshared'])
  })

  test('after a purge the others take what one node fetched, though each has the purged copy in memory', async () => {
    const { origin, log, a, b, c } = fleet()
    origin.script(() => ({ headers: FRESH, body: 'v1' }))
    for (const node of [a, b, c]) await node('/')
    await log.append('purge', { all: true })
    origin.script(() => ({ headers: FRESH, body: 'v2' }))
    const answers = await Promise.all([a, b, c].map((node) => node('/')))
    expect(answers.map(({ body }) => body)).toEqual(['v2', 'v2', 'v2'])
    expect(origin.requests).toHaveLength(2)
    for (const node of [a, b, c]) expect(await node('/')).toMatchObject({ body: 'v2', result: 'hit' })
    expect(origin.requests).toHaveLength(2)
  })

  describe('after a purge a stale copy that another node has stored since, though the purged one is in memory,', () => {
    const made = (body: string) => ({ headers: { ...FRESH, ETag: `"${body}"` }, body })
    async function purgedAndFetchedElsewhere(rules: Partial<Rules> = {}) {
      const world = fleet({ rules })
      const { origin, log, a, b } = world
      origin.script(() => made('v1'))
      await a('/')
      await log.append('purge', { all: true })
      origin.script(() => made('v2'))
      await b('/')
      return world
    }

    test('answers if it has expired and the origin fails', async () => {
      const { clock, origin, a } = await purgedAndFetchedElsewhere()
      await clock.advance(61_000)
      origin.script(() => ({ status: 503 }))
      expect(await a('/')).toMatchObject({ body: 'v2', result: 'stale_if_error' })
    })

    test('answers if it was invalidated and the origin fails', async () => {
      const { log, origin, a } = await purgedAndFetchedElsewhere()
      await log.append('invalidate', { all: true })
      origin.script(() => ({ status: 503, headers: FRESH }))
      const answers = await Promise.all([a('/'), a('/')])
      expect(answers).toMatchObject([
        { body: 'v2', result: 'stale_if_error' },
        { body: 'v2', result: 'stale_if_error' },
      ])
    })

    test('answers at once if stale copies may', async () => {
      const { clock, origin, a } = await purgedAndFetchedElsewhere({ softTimeout: 0 })
      await clock.advance(61_000)
      const asked = origin.requests.length
      expect(await a('/')).toMatchObject({ body: 'v2', result: 'stale' })
      await settle()
      expect(origin.requests.slice(asked).map(({ fields }) => field(fields, 'if-none-match'))).toEqual(['"v2"'])
    })

    test('is revalidated', async () => {
      const { clock, origin, a } = await purgedAndFetchedElsewhere()
      await clock.advance(61_000)
      origin.script(({ fields }) =>
        field(fields, 'if-none-match') === '"v2"' ? { status: 304, headers: FRESH } : made('v3'),
      )
      expect(await a('/')).toMatchObject({ body: 'v2', result: 'revalidated' })
    })
  })

  describe('a stale copy that another node has stored later than the one in memory', () => {
    const made = (body: string) => ({
      headers: { 'Cache-Control': 'max-age=60, stale-if-error=60', ETag: `"${body}"` },
      body,
    })
    async function refreshedElsewhere() {
      const world = fleet()
      const { origin, clock, a, b } = world
      origin.script(() => made('v1'))
      await a('/')
      await clock.advance(121_000) // the copy in memory is kept only to be revalidated
      origin.script(() => made('v2'))
      await b('/')
      await clock.advance(61_000)
      return world
    }

    test('answers if the origin fails', async () => {
      const { origin, a } = await refreshedElsewhere()
      origin.script(() => ({ status: 503 }))
      expect(await a('/')).toMatchObject({ body: 'v2', result: 'stale_if_error' })
    })

    test('is the one that is revalidated', async () => {
      const { origin, a } = await refreshedElsewhere()
      const asked = origin.requests.length
      origin.script(() => ({ status: 304, headers: FRESH }))
      expect(await a('/')).toMatchObject({ body: 'v2', result: 'revalidated' })
      expect(origin.requests.slice(asked).map(({ fields }) => field(fields, 'if-none-match'))).toEqual(['"v2"'])
    })
  })

  test('herds on many nodes that ask for what has to be validated each time make one origin request per node', async () => {
    const { clock, origin, nodes } = fleet({ size: 5 })
    const all = nodes.flatMap((node) => Array.from({ length: 20 }, () => node('/')))
    for (let fetched = 1; fetched <= nodes.length; fetched++) {
      await clock.advance(1)
      await settle()
      origin.answerAll({ headers: { 'Cache-Control': 'no-cache', ETag: `"${fetched}"` }, body: `v${fetched}` })
    }
    const answers = await Promise.all(all)
    expect(answers.filter(({ result }) => result === 'collapsed')).toHaveLength(95)
    expect(origin.requests).toHaveLength(5)
  })

  test('a node that waits for a part gets it from the whole response that was stored meanwhile', async () => {
    const { origin, clock, a, b } = fleet()
    const body = new PushedBody()
    const headers = { ...FRESH, ETag: '"1"' }
    const range = { Range: 'bytes=0-1' }
    const fetching = a('/', range)
    await settle()
    const part = { ...headers, 'Content-Range': 'bytes 0-1/4', 'Content-Length': '2' }
    origin.next.answer({ status: 206, headers: part, body })
    const waiting = b('/', range)
    await clock.advance(1_000)
    const whole = a('/')
    await settle()
    origin.next.answer({ headers, body: 'abcd' })
    await whole
    body.push('ab')
    body.end()
    await settle()
    expect(origin.requests).toHaveLength(2)
    expect([(await fetching).body, (await waiting).body]).toEqual(['ab', 'ab'])
  })

  test('an answer that cannot be shared releases the others at once, in parallel', async () => {
    const { origin, a, b, c } = fleet()
    const all = [a('/'), b('/'), c('/')]
    await settle()
    expect(origin.requests).toHaveLength(1)
    origin.next.answer({ headers: { 'Cache-Control': 'private' }, body: 'for a' })
    await settle()
    expect(origin.requests).toHaveLength(3)
    origin.answerAll({ headers: { 'Cache-Control': 'private' }, body: 'own' })
    expect((await Promise.all(all)).map(({ body }) => body)).toEqual(['for a', 'own', 'own'])
  })

  test('an answer that cannot be shared is remembered: later requests go in parallel on every node', async () => {
    const { origin, a, b, c, leases } = fleet()
    origin.script(() => ({ headers: { 'Cache-Control': 'private' }, body: 'own' }))
    await a('/')
    origin.script(() => undefined)
    const all = [b('/'), b('/'), c('/'), c('/')]
    await settle()
    expect(origin.requests).toHaveLength(5)
    expect(leases).toMatchObject({ held: 0 })
    origin.answerAll({ headers: { 'Cache-Control': 'private' }, body: 'own' })
    await Promise.all(all)
  })

  describe('the time that the origin took counts from its request, not from the wait for the lease', () => {
    /** Node b is asked while node a fetches, and has to ask the origin itself after three seconds. */
    const afterWaiting = async () => {
      const nodes = fleet()
      const { origin, clock, a, b } = nodes
      const first = a('/')
      await settle()
      const second = b('/')
      await settle()
      await clock.advance(3_000)
      origin.next.fail()
      await first
      await settle()
      await clock.advance(20)
      return { ...nodes, second }
    }

    test('in what is reported', async () => {
      const { origin, second } = await afterWaiting()
      origin.next.answer({ headers: FRESH, body: 'v' })
      expect((await second).reply.outcome).toMatchObject({ result: 'miss', originMs: 20 })
    })

    test('and in how long a failure is shared with later requests', async () => {
      const { origin, clock, b, second } = await afterWaiting()
      origin.next.fail()
      expect(await second).toMatchObject({ status: 502 })
      await clock.advance(250)
      origin.script(() => ({ headers: FRESH, body: 'well again' }))
      expect(await b('/')).toMatchObject({ body: 'well again' })
    })
  })

  test('content too long to share releases the others at its head', async () => {
    const { origin, a, b } = fleet()
    const first = a('/')
    await settle()
    const second = b('/')
    await settle()
    expect(origin.requests).toHaveLength(1)
    const body = new PushedBody()
    origin.next.answer({ headers: { ...FRESH, 'Content-Length': '2000' }, body })
    await settle()
    expect(origin.requests).toHaveLength(2)
    origin.next.answer({ headers: { ...FRESH, 'Content-Length': '2000' }, body: 'y'.repeat(2000) })
    expect(await second).toMatchObject({ body: 'y'.repeat(2000) })
    body.push('x'.repeat(2000))
    body.end()
    expect(await first).toMatchObject({ body: 'x'.repeat(2000) })
  })

  test('when the shared store refuses a response, the others are released at once, in parallel', async () => {
    const { origin, far, a, b, c } = fleet()
    const all = [a('/'), b('/'), c('/')]
    await settle()
    expect(origin.requests).toHaveLength(1)
    far.refusing = true
    origin.next.answer({ headers: FRESH, body: 'for a' })
    await settle()
    expect(origin.requests).toHaveLength(3)
    origin.answerAll({ headers: FRESH, body: 'own' })
    expect((await Promise.all(all)).map(({ body }) => body)).toEqual(['for a', 'own', 'own'])
  })

  test('when the shared store refuses the Vary of a response, the others are released as well', async () => {
    const { origin, far, a, b, c } = fleet()
    const set = far.set.bind(far)
    vi.spyOn(far, 'set').mockImplementation(async (...write) => (write[1].kind === 'varies' ? 'lost' : set(...write)))
    const all = [a('/'), b('/'), c('/')]
    await settle()
    origin.next.answer({ headers: { ...FRESH, Vary: 'Accept' }, body: 'for a' })
    await settle()
    expect(origin.requests).toHaveLength(3)
    origin.answerAll({ headers: { ...FRESH, Vary: 'Accept' }, body: 'own' })
    expect((await Promise.all(all)).map(({ body }) => body)).toEqual(['for a', 'own', 'own'])
  })

  test('a response that was purged while it was fetched is not taken by the others: one of them fetches', async () => {
    const { origin, log, a, b } = fleet()
    const first = a('/')
    await settle()
    await log.append('purge', { all: true })
    const second = b('/')
    await settle()
    expect(origin.requests).toHaveLength(1)
    origin.next.answer({ headers: FRESH, body: 'before' })
    await settle()
    expect(origin.requests).toHaveLength(2)
    origin.next.answer({ headers: FRESH, body: 'after' })
    expect(await first).toMatchObject({ body: 'before' })
    expect(await second).toMatchObject({ body: 'after' })
  })

  test('after a purge during a fetch, only one of all waiting nodes asks again', async () => {
    const { origin, log, a, b, c } = fleet()
    const first = a('/')
    await settle()
    await log.append('purge', { all: true })
    const others = [b('/'), c('/')]
    await settle()
    origin.next.answer({ headers: FRESH, body: 'before' })
    await settle()
    expect(origin.requests).toHaveLength(2)
    origin.next.answer({ headers: FRESH, body: 'after' })
    expect(await first).toMatchObject({ body: 'before' })
    expect((await Promise.all(others)).map(({ body }) => body)).toEqual(['after', 'after'])
    expect(origin.requests).toHaveLength(2)
  })

  test('an origin that gives no answer does not keep the lease', async () => {
    const { origin, a, leases } = fleet()
    origin.script(() => new HerdgateError('origin_refused'))
    expect((await a('/')).status).toBe(502)
    expect(leases).toMatchObject({ held: 0 })
  })

  test('a failing origin keeps neither the others waiting nor the lease', async () => {
    const { origin, a, b, leases } = fleet()
    const all = [a('/'), b('/')]
    await settle()
    origin.next.answer({ status: 500, body: 'no' })
    await settle()
    origin.answerAll({ status: 500, body: 'no' })
    for (const { status } of await Promise.all(all)) expect(status).toBe(500)
    expect(leases).toMatchObject({ held: 0 })
  })

  test('an error is stored for its own variant on every node and leaves the other variants', async () => {
    const { origin, a, b, c } = fleet()
    origin.script(() => ({ headers: { ...FRESH, Vary: 'Accept' }, body: 'good' }))
    await a('/', { Accept: 'text/html' })
    origin.script(() => ({ status: 503, headers: { 'Cache-Control': 'max-age=3' } }))
    await b('/', { Accept: 'text/plain' })
    await settle()
    for (const node of [a, b, c]) {
      expect(await node('/', { Accept: 'text/html' })).toMatchObject({ body: 'good', result: 'hit' })
      expect(await node('/', { Accept: 'text/plain' })).toMatchObject({ status: 503, result: 'hit' })
    }
    expect(origin.requests).toHaveLength(2)
  })

  test('an error does not replace what another node has stored meanwhile, though it is not in memory', async () => {
    const unavailable: FetchLeases = { take: () => Promise.resolve({ kind: 'unavailable' }), close() {} }
    const { clock, origin, a, b, c } = fleet({ leases: unavailable })
    origin.script(() => ({ headers: { 'Cache-Control': 'max-age=1, must-revalidate', ETag: '"old"' }, body: 'old' }))
    await a('/')
    await b('/')
    await clock.advance(1_001)
    origin.script(() => undefined)
    const early = b('/', { Accept: 'text/plain' })
    await settle()
    const late = a('/', { Accept: 'text/html' })
    await settle()
    origin.waiting[1]?.answer({ headers: { ...FRESH, Vary: 'Accept' }, body: 'good' })
    await late
    origin.next.answer({ status: 503, headers: { 'Cache-Control': 'max-age=3' } })
    expect(await early).toMatchObject({ status: 503 })
    await settle()
    for (const node of [a, c]) {
      expect(await node('/', { Accept: 'text/html' })).toMatchObject({ body: 'good', result: 'hit' })
      expect(await node('/', { Accept: 'text/plain' })).toMatchObject({ status: 503, result: 'hit' })
    }
  })

  test('an error that is not stored releases the others and the lease', async () => {
    const leases = sharedLeases()
    const { origin, a, b } = fleet({ leases })
    origin.script(() => ({ headers: { ...FRESH, Vary: 'Accept' }, body: 'good' }))
    await a('/', { Accept: 'text/html' })
    origin.script(() => ({ status: 503, headers: { 'Cache-Control': 'max-age=3', Vary: 'Origin' } }))
    const answers = await Promise.all([a, b].map((node) => node('/', { Accept: 'text/plain' })))
    expect(answers.map(({ status }) => status)).toEqual([503, 503])
    expect(origin.requests).toHaveLength(3)
    expect(leases.held).toBe(0)
  })

  test('an error that is not stored, so as to leave the copies in memory, is not reported as stored', async () => {
    const { origin, a } = fleet()
    origin.script(() => ({ headers: { ...FRESH, Vary: 'Accept' }, body: 'good' }))
    await a('/', { Accept: 'text/html' })
    for (const vary of ['Origin', 'Accept']) {
      origin.script(() => ({ status: 503, headers: { 'Cache-Control': 'max-age=3', Vary: vary } }))
      const { status, cacheStatus } = await a('/', { Accept: 'text/plain' })
      expect({ status, isStored: cacheStatus.includes('stored') }).toEqual({ status: 503, isStored: vary === 'Accept' })
    }
  })

  test('when leases are unavailable, every node fetches', async () => {
    const { origin, a, b } = fleet({ leases: UNAVAILABLE })
    const all = [a('/'), a('/'), b('/'), b('/')]
    await settle()
    expect(origin.requests).toHaveLength(2)
    origin.answerAll({ headers: FRESH, body: 'v' })
    for (const { body } of await Promise.all(all)) expect(body).toBe('v')
  })
})

describe('while the far store takes no writes', () => {
  const VARYING = { headers: { 'Cache-Control': 'public, max-age=60, stale-if-error=600', Vary: 'Accept' }, body: 'v1' }

  test.each([{}, { Authorization: 'Bearer a' }])('a variant fetched with %j is in memory', async (headers) => {
    const { origin, far, a } = fleet()
    far.holdWrites()
    origin.script(() => VARYING)
    await a('/', headers)
    await settle()
    expect(await a('/')).toMatchObject({ body: 'v1', result: 'hit' })
  })

  test('the variant is served when the origin fails', async () => {
    const { clock, origin, far, a } = fleet({ leases: soleLeases })
    far.holdWrites()
    origin.script(() => VARYING)
    await a('/')
    await clock.advance(61_000)
    origin.script(() => ({ status: 503 }))
    expect(await a('/')).toMatchObject({ body: 'v1', result: 'stale_if_error' })
  })
})
