/** Excessive numbers of names in Vary, variants, tags, keys, waiters, and requests on one connection. */
import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { createCache } from '../../src/library/embed.ts'
import { DEFAULT_RULES } from '../../src/config/defaults.ts'
import { HerdgateError } from '../../src/errors.ts'
import { MAX_AHEAD, MAX_PIPELINED } from '../../src/ports/pipelining.ts'
import { memoryStore } from '../../src/stores/memory/store.ts'
import { settle } from '../support/fake-clock.ts'
import { ok } from '../support/raw-origin.ts'
import { ScriptedOrigin } from '../support/scripted-origin.ts'
import { until } from '../support/waiting.ts'
import { received, world } from '../support/world.ts'
import { answering } from './answering.ts'
import { fieldsOf } from '../support/fields.ts'

const FRESH = { 'Cache-Control': 'max-age=600' }
const names = (count: number): string => Array.from({ length: count }, (_, number) => `X-${number}`).join(', ')

describe('Vary', () => {
  test.each<[string, string | string[], boolean]>([
    ['*', '*', false],
    ['a list with *', 'Accept, *', false],
    ['a thousand names', names(1_000), false],
    ['17 names', names(17), false],
    ['16 names', names(16), true],
    ['100 kB', `X-${'a'.repeat(100_000)}`, true],
    ['a colon', ':', false],
    ['a name with a space', 'Accept Encoding', false],
    ['a name that nobody sends', 'other', true],
    ['names of object members', '__proto__, constructor, hasOwnProperty', true],
    ['empty members', 'X,,Y, ,', true],
    ['two lines', ['X', 'Y'], true],
    ['nothing', '', true],
  ])('with %s is stored or not, and answers only matching requests', async (_what, vary, isStored) => {
    const { origin, get } = world()
    origin.script((_request, number) => ({ headers: { ...FRESH, Vary: vary }, body: `answer ${number}` }))
    const fields = { X: '1', Y: '1', Accept: 'a', 'X-0': '1', ['__proto__']: '1', constructor: '1' }
    expect((await get('/v', fields)).body).toBe('answer 1')
    expect((await get('/v', fields)).body).toBe(isStored ? 'answer 1' : 'answer 2')
    expect(Object.hasOwn(Object.prototype, 'vary')).toBe(false)
  })

  test.each(['X, Y', '__proto__'])('absent, empty and present are distinct: %s', async (vary) => {
    const { origin, get } = world()
    const name = vary.split(',')[0] ?? ''
    origin.script((_request, number) => ({ headers: { ...FRESH, Vary: vary }, body: `answer ${number}` }))
    const asked = [{}, { [name]: '' }, { [name]: '1' }, { [name]: '2' }].map((fields) => Object.entries(fields).flat())
    for (const round of [1, 2]) {
      for (const [at, fields] of asked.entries()) {
        const answer = await get('/v', {}, { fields })
        expect([round, answer.body]).toEqual([round, `answer ${at + 1}`])
      }
    }
  })

  test('by a field with ten thousand values keeps 64 variants, and all answers are correct', async () => {
    const { origin, store, get } = world()
    origin.script(({ fields }) => ({
      headers: { ...FRESH, Vary: 'User-Agent' },
      body: `for ${fields[fields.indexOf('User-Agent') + 1]}`,
    }))
    for (let agent = 0; agent < 10_000; agent++) {
      expect((await get('/v', { 'User-Agent': `agent-${agent}` })).body).toBe(`for agent-${agent}`)
    }
    expect(store.usage()[0]?.objects).toBeLessThanOrEqual(64 + 1)
    expect((await get('/v', { 'User-Agent': 'agent-9999' })).result).toBe('hit')
    expect((await get('/v', { 'User-Agent': 'agent-0' })).result).toBe('miss')
  })

  test('that changes with each answer never gives one client the answer of another', async () => {
    const { origin, get } = world()
    origin.script((_request, number) => ({
      headers: { ...FRESH, Vary: ['X', 'Y', 'X, Y', 'Z'][number % 4] ?? '' },
      body: `answer ${number}`,
    }))
    const seen = new Map<string, string>()
    for (let number = 0; number < 200; number++) {
      const who = String(number % 20)
      const { body, result } = await get('/v', { X: who, Y: who, Z: who })
      if (result === 'hit') expect(seen.get(body)).toBe(who)
      seen.set(body, who)
    }
  })
})

describe('tags', () => {
  test.each<[string, string | string[], boolean]>([
    ['128 tags', names(128), true],
    ['129 tags', names(129), false],
    ['ten thousand tags', names(10_000), false],
    ['one of 256 characters', 'a'.repeat(256), true],
    ['one of 257 characters', 'a'.repeat(257), false],
    ['one of a megabyte', 'a'.repeat(1_000_000), false],
    ['the same one a hundred thousand times', 'tag,'.repeat(100_000), true],
    ['names of object members', '__proto__,constructor,hasOwnProperty', true],
    ['special characters', 'a*,{b},%c,d e,é', true],
  ])('%s: stored only with all of its tags', async (_what, tags, isStored) => {
    const { origin, get, cache } = world()
    origin.script((_request, number) => ({ headers: { ...FRESH, 'Cache-Tag': tags }, body: `answer ${number}` }))
    expect((await get('/t')).body).toBe('answer 1')
    expect((await get('/t')).body).toBe(isStored ? 'answer 1' : 'answer 2')
    if (!isStored) return
    for (const tag of ['*', 'nothing', 'hasOwn']) await cache.purge({ tags: [tag] })
    expect((await get('/t')).body).toBe('answer 1')
  })

  test('a hundred thousand are all purged in a single call, in negligible time', async () => {
    const { origin, get, cache } = world()
    origin.script(({ target }, number) => ({
      headers: { ...FRESH, 'Cache-Tag': target.slice(1) },
      body: `answer ${number}`,
    }))
    for (const tag of ['tag-0', 'tag-99999', 'other']) await get(`/${tag}`)
    const before = process.threadCpuUsage()
    await cache.purge({ tags: Array.from({ length: 100_000 }, (_, number) => `tag-${number}`) })
    expect(process.threadCpuUsage(before).user).toBeLessThan(5_000_000) // in microseconds
    expect((await get('/other')).result).toBe('hit')
    expect((await get('/tag-0')).result).toBe('miss')
    expect((await get('/tag-99999')).result).toBe('miss')
  })
})

describe('tags that are new in every answer', () => {
  test('fifty thousand stay within the memory limit, and each can be purged', async () => {
    const origin = new ScriptedOrigin().script(({ target }) => ({
      headers: { ...FRESH, 'Cache-Tag': `${target.slice(1)}-a, ${target.slice(1)}-b` },
      body: target,
    }))
    const maxBytes = 4 * 2 ** 20
    const store = memoryStore({ maxBytes })
    const cache = createCache({ store, routes: [{ name: 'default', match: {}, origin, rules: DEFAULT_RULES }] })
    const ask = async (target: string) =>
      received(await cache.handle({ method: 'GET', url: `http://a.test${target}`, fields: [] }))
    for (let number = 0; number < 25_000; number++) {
      expect((await ask(`/${number}`)).body).toBe(`/${number}`)
      expect(store.usage()[0]?.bytes).toBeLessThanOrEqual(maxBytes)
    }
    await ask('/kept')
    expect((await ask('/kept')).result).toBe('hit')
    await cache.purge({ tags: ['24999-a', 'kept'] })
    expect((await ask('/kept')).result).toBe('hit')
    await cache.purge({ tags: ['kept-b'] })
    expect((await ask('/kept')).result).toBe('miss')
  })
})

describe('keys', () => {
  test('twenty thousand stay within the memory limit', async () => {
    const origin = new ScriptedOrigin().script(() => ({ headers: FRESH, body: 'x'.repeat(100) }))
    const maxBytes = 4 * 2 ** 20
    const store = memoryStore({ maxBytes })
    const cache = createCache({ store, routes: [{ name: 'default', match: {}, origin, rules: DEFAULT_RULES }] })
    const padding = 'p'.repeat(500)
    for (let number = 0; number < 20_000; number++) {
      const reply = await cache.handle({ method: 'GET', url: `http://a.test/${number}?${padding}`, fields: [] })
      if (number % 1_000 === 0) expect((await received(reply)).status).toBe(200)
      else reply.body?.discard()
      expect(store.usage()[0]?.bytes).toBeLessThanOrEqual(maxBytes)
    }
    expect(store.usage()[0]?.objects).toBeGreaterThan(1_000)
  })

  test('that are names of object members, or look like indices, are treated like any other', async () => {
    const { origin, get } = world()
    origin.script(({ target }) => ({ headers: FRESH, body: target }))
    const odd = ['__proto__', 'constructor', 'hasOwnProperty', 'toString', '16777215', '4294967295', '-1', 'NaN']
    const targets = odd.flatMap((name) => [`/${name}`, `/?${name}=1`, `/?a=${name}`, `/a/${name}/b`])
    for (const result of ['miss', 'hit']) {
      for (const target of targets) expect(await get(target)).toMatchObject({ body: target, result })
    }
  })
})

describe('waiters', () => {
  const MANY = 10_000

  test('ten thousand on one key make one fetch, whoever leaves', async () => {
    const { origin, ask, cache } = world()
    const leader = new AbortController()
    const asked = [ask('/slow', {}, { signal: leader.signal })]
    await settle()
    for (let number = 1; number < MANY; number++) asked.push(ask('/slow'))
    await settle()
    leader.abort()
    origin.next.answer({ headers: FRESH, body: 'answer' })
    const answers = await Promise.all(asked.slice(1).map(async (reply) => received(await reply)))
    expect(new Set(answers.map(({ body }) => body))).toEqual(new Set(['answer']))
    expect(origin.requests).toHaveLength(1)
    expect(cache.stats().inFlight).toBe(0)
  })

  test('ten thousand on one key whose fetch fails all get the error after one request', async () => {
    const { origin, ask, cache, clock } = world()
    const asked = Array.from({ length: MANY }, () => ask('/slow'))
    await settle()
    origin.next.fail()
    const answers = await Promise.all(asked.map(async (reply) => received(await reply)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([502]))
    expect(origin.requests).toHaveLength(1)
    await clock.advance(60_000) // requests soon after a failure share it
    expect(cache.stats().inFlight).toBe(0)
    const next = ask('/slow')
    await settle()
    origin.next.answer({ headers: FRESH, body: 'well again' })
    expect((await received(await next)).body).toBe('well again')
  })

  test('leave nothing behind when all of them leave', async () => {
    const { origin, ask, cache } = world()
    const leaving = new AbortController()
    const asked = Array.from({ length: MANY }, (_, number) =>
      ask(`/slow/${number % 10}`, {}, { signal: leaving.signal }),
    )
    await settle()
    leaving.abort()
    origin.script(() => new HerdgateError('client_gone')) // what a fetch rejects with when its client has left
    while (origin.waiting.length > 0) origin.next.answer({ headers: { 'Cache-Control': 'no-store' } })
    for (const reply of await Promise.all(asked)) reply.body?.discard()
    await settle()
    expect(cache.stats().inFlight).toBe(0)
    expect(origin.waiting).toHaveLength(0)
  })

  test('beyond the limit get 503 at once, those within it are answered, and then others are accepted again', async () => {
    const origin = new ScriptedOrigin()
    const route = { name: 'default', match: {}, origin, rules: DEFAULT_RULES }
    const cache = createCache({ routes: [route], limits: { maxWaiting: 100 } })
    const ask = async (path: string) =>
      received(await cache.handle({ method: 'GET', url: `http://a.test${path}`, fields: fieldsOf({}) }))
    const within = Array.from({ length: 100 }, (_, number) => ask(`/${number}`))
    await settle()
    const beyond = await Promise.all(Array.from({ length: MANY }, (_, number) => ask(`/beyond/${number}`)))
    expect(new Set(beyond.map(({ status, result }) => `${status} ${result}`))).toEqual(new Set(['503 shed']))
    expect(beyond[0]?.reply.fields).toContain('Retry-After')
    expect(origin.requests).toHaveLength(100)
    while (origin.waiting.length > 0) origin.next.answer({ headers: FRESH, body: 'answer' })
    expect(new Set((await Promise.all(within)).map(({ body }) => body))).toEqual(new Set(['answer']))
    const next = ask('/next')
    await settle()
    origin.next.answer({ headers: FRESH, body: 'there is room' })
    expect((await next).body).toBe('there is room')
  })

  test('that leave free their places at once, and only once; their fetch continues and is stored', async () => {
    const origin = new ScriptedOrigin()
    const route = { name: 'default', match: {}, origin, rules: DEFAULT_RULES }
    const cache = createCache({ routes: [route], limits: { maxWaiting: 5 } })
    const ask = async (path: string, signal?: AbortSignal) =>
      received(await cache.handle({ method: 'GET', url: `http://a.test${path}`, fields: fieldsOf({}), signal }))
    const leaving = new AbortController()
    const left = Array.from({ length: 5 }, () => ask('/slow', leaving.signal))
    await settle()
    expect(cache.stats()).toMatchObject({ waiting: 5, inFlight: 1 })
    leaving.abort()
    expect(cache.stats()).toMatchObject({ waiting: 0, inFlight: 1 })
    const late = ask('/slow', leaving.signal)
    const next = ask('/next')
    await settle()
    expect(cache.stats().waiting).toBe(1)
    for (const call of origin.waiting.slice()) call.answer({ headers: FRESH, body: 'answer' })
    expect((await next).body).toBe('answer')
    await Promise.all([...left, late])
    expect(cache.stats().waiting).toBe(0)
    expect(await ask('/slow')).toMatchObject({ result: 'hit' })
    expect(origin.requests).toHaveLength(2)
  })

  test('leave no listeners behind once answered', async () => {
    const origin = new ScriptedOrigin()
    const route = { name: 'default', match: {}, origin, rules: DEFAULT_RULES }
    const cache = createCache({ routes: [route] })
    const { signal } = new AbortController()
    const ask = async (path: string) =>
      received(await cache.handle({ method: 'GET', url: `http://a.test${path}`, fields: fieldsOf({}), signal }))
    const all = [ask('/a'), ask('/a'), ask('/b')]
    await settle()
    expect(getEventListeners(signal, 'abort')).toHaveLength(3)
    while (origin.waiting.length > 0) origin.next.answer({ headers: FRESH, body: 'answer' })
    await Promise.all(all)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })
})

describe('one connection', () => {
  const at = answering()
  const pipelined = (from: number, count: number): string =>
    Array.from({ length: count }, (_, number) => `GET /${from + number} HTTP/1.1\r\nHost: a.test\r\n\r\n`).join('')

  test('with a hundred requests at once is answered in order', async () => {
    at.answer = ({ socket, head }) => {
      const [, path = ''] = head.split(' ')
      const write = () => socket.write(ok(path))
      if (path.endsWith('3')) setImmediate(write)
      else write()
    }
    using client = await at.connected()
    client.send(pipelined(0, 100))
    const { responses, closed } = await client.receive(100)
    expect(responses.map(({ body }) => body)).toEqual(Array.from({ length: 100 }, (_, number) => `/${number}`))
    expect(closed).toBe(false)
  })

  test('cannot monopolise the origin: few requests start ahead of their turn, and a bounded number waits', async () => {
    const held: (() => void)[] = []
    at.answer = ({ socket, head }) => void held.push(() => socket.write(ok(head.split(' ')[1])))
    using client = await at.connected()
    client.send(pipelined(0, 5_000))
    for (let answered = 0; answered <= MAX_PIPELINED; answered++) {
      await until(() => held.length > 0, `request ${answered} at the origin`)
      expect(at.origin.requests.length - answered).toBeLessThanOrEqual(1 + MAX_AHEAD)
      held.shift()?.()
    }
    const { responses, closed } = await client.receive(MAX_PIPELINED + 3)
    expect(responses.slice(0, -1).map(({ body }) => body)).toEqual(
      Array.from({ length: MAX_PIPELINED + 1 }, (_, number) => `/${number}`),
    )
    expect([responses.at(-1)?.status, closed]).toEqual([503, true])
    expect(responses.at(-1)?.head).toContain('Cache-Status: herdgate; detail=overloaded')
    expect(at.origin.requests).toHaveLength(MAX_PIPELINED + 1)
    expect(at.herdgate.child.exitCode).toBeNull()
  })

  test('has a few requests started ahead of their turn at any time, not only among the first', async () => {
    const held = new Map<string, () => void>()
    at.answer = ({ socket, head }) => {
      const [, path = ''] = head.split(' ')
      held.set(path, () => socket.write(ok(path)))
    }
    const count = 3 * MAX_AHEAD
    using client = await at.connected()
    client.send(pipelined(0, count))
    for (let answered = 0; answered < count; answered++) {
      const begun = Math.min(answered + 1 + MAX_AHEAD, count)
      await until(() => at.origin.requests.length === begun, `request ${begun} at the origin`)
      held.get(`/${answered}`)?.()
    }
    const { responses } = await client.receive(count)
    expect(responses.map(({ body }) => body)).toEqual(Array.from({ length: count }, (_, number) => `/${number}`))
  })

  test('has nothing started behind a refused request', async () => {
    const held: (() => void)[] = []
    at.answer = ({ socket, head }) => void held.push(() => socket.write(ok(head.split(' ')[1])))
    using client = await at.connected()
    client.send(pipelined(0, MAX_PIPELINED + 2))
    await until(() => held.length > MAX_AHEAD, 'as many as are begun before their turn')
    let answered = 0
    for (; answered <= MAX_PIPELINED - 1; answered++) {
      await until(() => held.length > 0, `request ${answered} at the origin`)
      held.shift()?.()
    }
    await client.receive(MAX_PIPELINED)
    client.send('GET /late HTTP/1.1\r\nHost: a.test\r\n\r\n')
    using other = await at.connected()
    other.send('GET /other HTTP/1.1\r\nHost: a.test\r\n\r\n')
    await until(() => at.origin.requests.some(({ head }) => head.includes('/other')), 'the request of another client')
    for (const give of held) give()
    const { responses, closed } = await client.receive(MAX_PIPELINED + 3)
    expect([responses.at(-1)?.status, closed]).toEqual([503, true])
    expect(at.origin.requests.map(({ head }) => head).filter((head) => head.includes('/late'))).toEqual([])
  })

  test('whose first answer is not read occupies few origin requests', async () => {
    const large = 'x'.repeat(16 * 2 ** 20)
    at.answer = ({ socket }) => void socket.write(ok(large, 'Cache-Control: no-store\r\n'))
    using client = await at.connected()
    client.pause()
    client.send(pipelined(0, 100))
    await until(() => at.origin.requests.length > MAX_AHEAD, 'as many as are begun before their turn')
    using other = await at.connected()
    at.answer = ({ socket }) => void socket.write(ok('another'))
    other.send('GET /another HTTP/1.1\r\nHost: a.test\r\n\r\n')
    expect((await other.receive(1)).responses[0]?.body).toBe('another')
    expect(at.origin.requests).toHaveLength(1 + MAX_AHEAD + 1)
  })

  test('that speaks HTTP/2 is refused', async () => {
    at.answer = ({ socket }) => void socket.write(ok())
    using client = await at.connected()
    client.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    expect(await client.receive(2)).toMatchObject({ closed: true })
    expect(at.origin.requests).toHaveLength(0)
  })
})
