import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { FetchLeases, LeaseAnswer } from '../../../src/model.ts'
import { redisLeases, type RedisLeasesOptions } from '../../../src/stores/redis/leases.ts'
import { heldBy, leasesContract, type Shared, sharedLeasesContract } from '../../stores/leases-contract.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { startFaultProxy } from '../../support/fault-proxy.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { until } from '../../support/waiting.ts'

let server: RedisServer
let redis: Redis
const opened: FetchLeases[] = []
let prefix = ''
let count = 0

beforeAll(async () => {
  server = await startRedis()
  redis = new Redis(server.url)
  redis.on('error', () => {})
})
beforeEach(() => void (prefix = `test${count++}`))
afterEach(async () => {
  server.resume()
  await Promise.all(opened.splice(0).map((leases) => leases.close()))
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})

/** The leases of one node. Times are generous unless a test is about them, as the machine may be slow. */
async function connected(options: RedisLeasesOptions = {}): Promise<FetchLeases> {
  const leases = redisLeases({ url: server.url, prefix, deadline: '5s', life: '30s', maxWait: '60s', ...options })
  opened.push(leases)
  await until(async () => {
    const answer = await leases.take(`connected ${count++}`)
    if (answer.kind === 'held') await answer.lease.release('stored')
    return answer.kind === 'held'
  }, 'it is connected')
  return leases
}

const everyoneListens = (nodes: number) =>
  until(async () => {
    const [, listeners] = await redis.pubsub('NUMSUB', `${prefix}:fetched`)
    return Number(listeners) === nodes
  }, 'every node listens')

const isAwaited = () =>
  until(async () => {
    const keys = await redis.keys(`${prefix}:fetch:*`)
    const awaited = await Promise.all(keys.map((key) => redis.hget(key, 'awaited')))
    return awaited.includes('1')
  }, 'somebody waits')

/** Two nodes that listen to each other. */
async function sharing(): Promise<Shared> {
  const [one, other] = [await connected(), await connected()]
  await everyoneListens(2)
  return {
    one,
    other,
    // On the same connections, and so handled after them.
    waits: () => Promise.all([one, other].map((leases) => leases.take(`last ${count++}`))),
    close: () => Promise.all([one.close(), other.close()]),
  }
}

leasesContract('redisLeases', () => connected())
sharedLeasesContract('redisLeases', sharing)

describe('one holder', () => {
  test.each(['stored', 'unshared', 'overtaken'] as const)(
    'of 200 callers on four nodes one fetches, and the others get "%s"',
    async (ending) => {
      const nodes = await Promise.all([connected(), connected(), connected(), connected()])
      await everyoneListens(4)
      const answers: LeaseAnswer[] = []
      const asked = Array.from({ length: 200 }, async (_, n) => {
        const answer = await (nodes[n % 4] as FetchLeases).take('k')
        answers.push(answer)
      })
      // On the same connections, and so handled after them.
      await Promise.all(nodes.map((leases, n) => leases.take(`last of node ${n}`)))
      await until(() => answers.length > 0, 'one holds it')
      expect(answers.map(({ kind }) => kind)).toEqual(['held'])
      await heldBy(answers[0]).release(ending)
      await Promise.all(asked)
      expect(answers.filter(({ kind }) => kind === ending).length).toBe(199)
    },
  )

  test('a life that is not a whole number of milliseconds is accepted', async () => {
    const leases = await connected({ life: 10_000 / 3 })
    heldBy(await leases.take('k'))
    const [name] = await redis.keys(`${prefix}:fetch:*`)
    expect(await redis.pttl(name ?? '')).toBeGreaterThan(0)
  })

  test('every key has a lease of its own, whatever characters it has', async () => {
    const leases = await connected()
    for (const key of ['a', 'b', '{a}', 'a\r\nDEL x', '', '😀'.repeat(5_000)]) heldBy(await leases.take(key))
    const names = await redis.keys(`${prefix}:fetch:*`)
    expect(names.length).toBe(6)
    expect(names.every((name) => /^test\d+:fetch:[0-9a-f]{40}$/.test(name))).toBe(true)
  })

  test('a released lease goes to the next caller with a higher fence; releasing it again changes nothing', async () => {
    const [first, second] = [await connected(), await connected()]
    const one = heldBy(await first.take('k'))
    await one.release('stored')
    const two = heldBy(await second.take('k'))
    await one.release('stored')
    await one.release('unshared')
    expect(two.fence).toBeGreaterThan(one.fence)
    expect(await redis.keys(`${prefix}:fetch:*`)).toHaveLength(1)
  })

  test('a node that may not subscribe polls', async () => {
    await redis.call('ACL', 'SETUSER', 'deaf', 'reset', 'on', '>password', '~*', '+@all', 'resetchannels')
    const url = `redis://deaf:password@127.0.0.1:${server.port}`
    const clock = new FakeClock()
    const [holder, deaf] = [await connected(), await connected({ url, clock })]
    const lease = heldBy(await holder.take('k'))
    let answer: LeaseAnswer | undefined
    const asked = deaf.take('k').then((given) => (answer = given))
    await isAwaited()
    await lease.release('stored')
    await until(async () => {
      await clock.advance(10)
      return answer !== undefined
    }, 'it has asked again')
    heldBy(await asked)
    expect(clock.now()).toBeLessThan(new FakeClock().now() + 20_000) // the lease's life is 30 s
  })

  test('what was stored before the release can be read by those who get "stored"', async () => {
    const [first, second] = [await connected(), await connected()]
    await everyoneListens(2)
    for (let round = 0; round < 50; round++) {
      const lease = heldBy(await first.take('k'))
      const read = second
        .take('k')
        .then(async (answer) => (answer.kind === 'stored' ? redis.get(`${prefix}:result`) : ''))
      await isAwaited()
      await redis.set(`${prefix}:result`, round)
      await lease.release('stored')
      expect(await read).toBe(String(round))
    }
  })
})

describe('a holder that is gone', () => {
  test('is replaced by one of those who wait', async () => {
    await using proxy = await startFaultProxy({ port: server.port })
    const dead = await connected({ url: `redis://127.0.0.1:${proxy.port}`, life: '300ms' })
    const nodes = await Promise.all([connected(), connected(), connected()])
    const lost = heldBy(await dead.take('k'))
    const answers: LeaseAnswer[] = []
    const asked = nodes.map((leases) => leases.take('k').then((answer) => void answers.push(answer)))
    await isAwaited()
    proxy.set({ kind: 'reset' })
    await until(() => answers.length === 1, 'one takes over')
    const next = heldBy(answers[0])
    expect(next.fence).toBeGreaterThan(lost.fence)
    await lost.release('stored')
    await next.release('stored')
    await Promise.all(asked)
    expect(answers.map(({ kind }) => kind)).toEqual(['held', 'stored', 'stored'])
  })

  test('is replaced after the life of its lease although the clock of Redis was set back', async () => {
    await using proxy = await startFaultProxy({ port: server.port })
    const dead = await connected({ url: `redis://127.0.0.1:${proxy.port}`, life: 500 })
    const waiting = await connected({ maxWait: '20s' })
    heldBy(await dead.take('k'))
    proxy.set({ kind: 'reset' })
    const [name = ''] = await redis.keys(`${prefix}:fetch:*`)
    await redis.pexpire(name, 3_600_000)
    heldBy(await waiting.take('k'))
  })

  test('is not taken for gone by one whose leases have a shorter life', async () => {
    const first = await connected()
    const hasty = await connected({ life: 100, maxWait: '600ms' })
    const held = heldBy(await first.take('k'))
    expect(await hasty.take('k')).toEqual({ kind: 'unavailable' })
    await held.release('stored')
  })

  test('is not confused with one that takes long', async () => {
    const life = 6_000
    const [first, second] = [await connected({ life }), await connected({ life })]
    await everyoneListens(2)
    const lease = heldBy(await first.take('k'))
    let answer: LeaseAnswer | undefined
    const asked = second.take('k').then((given) => void (answer = given))
    const [name = ''] = await redis.keys(`${prefix}:fetch:*`)
    // The lease is renewed: for longer than one life it has the same holder.
    const fence = await redis.hget(name, 'fence')
    const endsAt = performance.now() + 1.3 * life
    await until(() => performance.now() > endsAt, 'longer than the life of a lease has passed')
    expect(await redis.hget(name, 'fence')).toBe(fence)
    expect(answer).toBeUndefined()
    await lease.release('stored')
    await asked
    expect(answer).toEqual({ kind: 'stored' })
  })

  test('is replaced at once if its node closes', async () => {
    const [first, second] = [await connected(), await connected()]
    await everyoneListens(2)
    heldBy(await first.take('k'))
    const asked = second.take('k')
    await isAwaited()
    await first.close()
    heldBy(await asked)
  })
})

describe('without Redis', () => {
  test('nobody waits if it was never there', async () => {
    const clock = new FakeClock()
    const leases = redisLeases({ url: 'redis://127.0.0.1:1', clock })
    opened.push(leases)
    expect(await leases.take('k')).toEqual({ kind: 'unavailable' })
  })

  test('nobody waits longer than the deadline if it stops answering', async () => {
    const clock = new FakeClock()
    const leases = await connected({ clock, deadline: '50ms' })
    server.pause()
    let answers = 0
    for (let n = 0; n < 200; n++)
      void leases.take(`k${n}`).then(({ kind }) => void (answers += kind === 'unavailable' ? 1 : 0))
    await clock.advance(49)
    expect(answers).toBe(0)
    await clock.advance(1)
    await until(() => answers === 200, 'all have an answer')
    // By now it is not even asked.
    expect(await leases.take('k')).toEqual({ kind: 'unavailable' })
    server.resume()
    await until(async () => {
      await clock.advance(100)
      const asked = leases.take('back')
      let answer: LeaseAnswer | undefined
      void asked.then((given) => void (answer = given))
      await until(async () => {
        await redis.ping()
        if (answer === undefined) await clock.advance(5)
        return answer !== undefined
      }, 'it answers')
      return answer?.kind === 'held'
    }, 'it works again')
  })

  test('those who wait are released when it is gone', async () => {
    await using proxy = await startFaultProxy({ port: server.port })
    const [first, second] = [await connected(), await connected({ url: `redis://127.0.0.1:${proxy.port}` })]
    heldBy(await first.take('k'))
    const asked = second.take('k')
    await isAwaited()
    proxy.set({ kind: 'reset' })
    expect(await asked).toEqual({ kind: 'unavailable' })
  })

  test('a lease is given back although the connection was lost just then', async () => {
    await using proxy = await startFaultProxy({ port: server.port })
    const [holder, waiting] = [await connected({ url: `redis://127.0.0.1:${proxy.port}` }), await connected()]
    await everyoneListens(2)
    const lease = heldBy(await holder.take('k'))
    const asked = waiting.take('k')
    await isAwaited()
    proxy.set({ kind: 'reset' })
    const released = lease.release('stored')
    proxy.set({ kind: 'pass' })
    await released
    expect(await asked).toEqual({ kind: 'stored' })
  })

  test('giving it back is tried for no longer than it lasts, and not once the node closes', async () => {
    await using proxy = await startFaultProxy({ port: server.port })
    const url = `redis://127.0.0.1:${proxy.port}`
    const [short, closing] = [await connected({ url, life: '300ms' }), await connected({ url })]
    const leases = [heldBy(await short.take('a')), heldBy(await closing.take('b'))]
    proxy.set({ kind: 'reset' })
    const released = leases.map((lease) => lease.release('stored'))
    await released[0]
    await closing.close()
    await released[1]
  })

  test('a holder knows when its lease may have expired', async () => {
    const clock = new FakeClock()
    const lease = heldBy(await (await connected({ clock, maxWait: '5m' })).take('k'))
    await clock.advance(10_000)
    await until(async () => {
      const [name = ''] = await redis.keys(`${prefix}:fetch:*`)
      return (await redis.pttl(name)) > 29_000
    }, 'it was renewed')
    server.pause()
    await clock.advance(29_000)
    expect(lease.isDoubtful).toBe(false)
    await clock.advance(2_000)
    expect(lease.isDoubtful).toBe(true)
  })

  test('a holder knows when others may have stopped waiting, even if it is alive', async () => {
    const clock = new FakeClock()
    const lease = heldBy(await (await connected({ clock, maxWait: '9s' })).take('k'))
    await clock.advance(8_999)
    expect(lease.isDoubtful).toBe(false)
    await clock.advance(1)
    expect(lease.isDoubtful).toBe(true)
  })

  test('a released lease is not doubtful', async () => {
    const clock = new FakeClock()
    const lease = heldBy(await (await connected({ clock })).take('k'))
    await lease.release('unshared')
    await clock.advance(60_000)
    expect(lease.isDoubtful).toBe(false)
  })

  test('nobody waits longer than maxWait, even if the holder is alive', async () => {
    const clock = new FakeClock()
    const [first, second] = [await connected(), await connected({ clock, maxWait: '10s' })]
    heldBy(await first.take('k'))
    let answer: LeaseAnswer | undefined
    void second.take('k').then((given) => void (answer = given))
    await isAwaited()
    await redis.ping()
    await until(async () => {
      await clock.advance(500)
      return answer !== undefined
    }, 'it gives up')
    expect(answer).toEqual({ kind: 'unavailable' })
  })

  test('a lease that was granted after the deadline is released', async () => {
    const clock = new FakeClock()
    const [late, other] = [await connected({ clock, deadline: '50ms' }), await connected()]
    server.pause()
    const asked = late.take('k')
    await clock.advance(60)
    expect(await asked).toEqual({ kind: 'unavailable' })
    server.resume()
    const lease = heldBy(await other.take('k'))
    expect(lease.fence).toBeGreaterThan(0)
  })

  test('a flush of Redis forgets who fetches, but fences still rise', async () => {
    const [first, second] = [await connected(), await connected()]
    const lost = heldBy(await first.take('k'))
    await redis.flushall()
    const next = heldBy(await second.take('k'))
    expect(next.fence).toBeGreaterThan(lost.fence)
    await lost.release('stored')
    expect(await redis.keys(`${prefix}:fetch:*`)).toHaveLength(1)
  })

  test('foreign messages on the channel and foreign values at the key do no harm', async () => {
    const [first, second] = [await connected(), await connected()]
    await everyoneListens(2)
    const lease = heldBy(await first.take('k'))
    const asked = second.take('k')
    await isAwaited()
    const [name = ''] = await redis.keys(`${prefix}:fetch:*`)
    const hash = name.split(':').at(-1)
    for (const text of ['', 'x', `${hash} 0 stored`, `${hash} 99 gone`, `${hash} -1 stored`, 'a'.repeat(1_000_000)]) {
      await redis.publish(`${prefix}:fetched`, text)
    }
    await lease.release('unshared')
    expect(await asked).toEqual({ kind: 'unshared' })
    await redis.set(name, 'x')
    heldBy(await second.take('k'))
  })
})
