import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { Events, type LogEvent } from '../../../src/events.ts'
import type { InvalidationLog, Stamp } from '../../../src/model.ts'
import { connectRedis, type RedisClient, type RedisConnectionOptions } from '../../../src/stores/redis/connection.ts'
import { RedisLogCalls } from '../../../src/stores/redis/log/log-calls.ts'
import { type RedisLog, redisLog, type RedisLogOptions } from '../../../src/stores/redis/log.ts'
import { logContract } from '../../stores/log-contract.ts'
import { FakeClock, settle } from '../../support/fake-clock.ts'
import { startFaultProxy } from '../../support/fault-proxy.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { until } from '../../support/waiting.ts'

let server: RedisServer
let redis: Redis
const opened: RedisLog[] = []
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
  await Promise.all(opened.splice(0).map((log) => log.close()))
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})

/** A node that follows the log. Times are generous unless a test is about them, as the machine may be slow. */
async function started(options: RedisLogOptions = {}): Promise<RedisLog> {
  const log = redisLog({ url: server.url, prefix, appendTimeout: '30s', purgeTimeout: '30s', ...options })
  opened.push(log)
  await log.started
  await until(() => !log.generation.startsWith('unshared'), 'it has found the log')
  return log
}

const key = (name: string) => `{${prefix}}:log:${name}`

const stampIn = ({ generation, position }: InvalidationLog, more: Partial<Stamp> = {}): Stamp => ({
  url: 'a.test/1',
  tags: ['t'],
  generation,
  position,
  checked: position,
  startedAt: -Infinity,
  ...more,
})

/** Advances the clock until the promise settles. */
async function inTime<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  let settled = false
  const settle = () => void (settled = true)
  promise.then(settle, settle)
  await until(async () => {
    await clock.advance(100)
    return settled
  }, 'it settles')
  return promise
}

/** Advances the clock, but no faster than real time: connections may have to be made again. */
const applied = (clock: FakeClock, log: InvalidationLog, position: number): Promise<void> =>
  until(async () => {
    await clock.advance(10)
    return log.position === position
  }, 'it is applied here')

const synced = (...logs: InvalidationLog[]) => until(() => logs.every((log) => log.synced), 'every log is synced')

logContract('redisLog', () => started({ prefix: `contract${count++}` }))

describe('records', () => {
  test('one with very many targets is logged whole', async () => {
    const logs = [await started({ maxTargets: 300_000 }), await started({ maxTargets: 300_000 })] as const
    const tags = Array.from({ length: 200_000 }, (_, at) => `t${at}`)
    const named = ['t0', 't100000', 't199999', 'other'].map((tag) => stampIn(logs[1], { tags: [tag] }))
    const { nodes } = await logs[0].append('purge', { tags })
    expect(nodes).toEqual({ expected: 2, acked: 2 })
    const late = await started({ maxTargets: 300_000 })
    await synced(...logs, late)
    for (const log of [...logs, late]) {
      expect(named.map((stamp) => log.verdict(stamp))).toEqual(['dead', 'dead', 'dead', 'valid'])
    }
  })

  test('an acknowledged purge is applied by every node', async () => {
    const logs = [await started(), await started(), await started()]
    const stamps = logs.map((log) => stampIn(log))
    const [first] = logs
    const receipt = await first?.append('purge', { tags: ['t'] })
    expect(receipt?.nodes).toEqual({ expected: 3, acked: 3 })
    expect(logs.map((log, at) => log.verdict(stamps[at] as Stamp))).toEqual(['dead', 'dead', 'dead'])
  })

  test('from many nodes at once they are applied in one order, each once', async () => {
    const logs = [await started(), await started(), await started()]
    const before = logs[0]?.position ?? 0
    const calls = logs.flatMap((log) => Array.from({ length: 20 }, (_, n) => log.append('purge', { tags: [`${n}`] })))
    const receipts = await Promise.all(calls)
    const positions = receipts.map(({ position }) => position).sort((a, b) => a - b)
    expect(positions).toEqual(Array.from({ length: 60 }, (_, n) => before + n + 1))
    expect(logs.map(({ position }) => position)).toEqual([before + 60, before + 60, before + 60])
  })

  test('a node that starts later reads all earlier purges, however long that takes', async () => {
    const first = await started()
    const long = (n: number) => `${n}`.padStart(200, 'tag')
    for (let n = 0; n < 10; n++) {
      await first.append('purge', { tags: Array.from({ length: 256 }, (_, at) => long(256 * n + at)) })
    }
    await using proxy = await startFaultProxy({ port: server.port })
    proxy.set({ kind: 'throttle', bytesPerSecond: 200_000 })
    const second = await started({ url: `redis://127.0.0.1:${proxy.port}` })
    expect(second.position).toBe(first.position)
    expect(second.verdict(stampIn(first, { position: 1, checked: 1, tags: [long(0)] }))).toBe('dead')
  })

  test('a node that starts later knows earlier purges and invalidations, and their targets', async () => {
    const first = await started()
    const stamp = stampIn(first)
    await first.append('purge', { prefixes: ['a.test'] })
    await first.append('invalidate', { tags: ['other'] })
    const second = await started()
    expect(second.generation).toBe(first.generation)
    expect(second.position).toBe(first.position)
    expect(second.verdict({ ...stamp })).toBe('dead')
    expect(
      second.verdict(
        stampIn(first, { position: stamp.position, checked: stamp.position, url: 'b.test/', tags: ['other'] }),
      ),
    ).toBe('stale')
  })

  test('tags with braces, spaces, line ends and quotes are tags like any other', async () => {
    const [first, second] = [await started(), await started()]
    const tags = ['{x}', 'a b', 'c\nd', '"', "'", '\\', '😀', '*', '__proto__', ' ']
    const stamps = tags.map((tag) => stampIn(second, { tags: [tag] }))
    await first.append('purge', { tags })
    expect(stamps.map((stamp) => second.verdict(stamp))).toEqual(tags.map(() => 'dead'))
    expect(second.verdict(stampIn(second, { position: 1, checked: 1, tags: ['x'] }))).toBe('valid')
  })

  test('a copy that another node stamped ahead of this one is stale until this one has caught up', async () => {
    const log = await started()
    await synced(log)
    const ahead = stampIn(log, { position: log.position + 1, checked: log.position + 1 })
    expect(log.verdict(ahead)).toBe('stale')
    await log.append('purge', { tags: ['other'] })
    expect(log.verdict(ahead)).toBe('valid')
  })

  test('a record that cannot be read makes everything older dead', async () => {
    const log = await started()
    const stamp = stampIn(log)
    const next = log.position + 1
    await redis
      .multi()
      .xadd(
        key('records'),
        `${next}-0`,
        'generation',
        log.generation,
        'nonce',
        'n',
        'mode',
        'raze',
        'targets',
        '{"__proto__":1}',
      )
      .hset(key('head'), 'position', next)
      .exec()
    await until(() => log.position === next, 'it was applied')
    expect(log.verdict(stamp)).toBe('dead')
    expect(log.verdict(stampIn(log, { startedAt: Infinity }))).toBe('valid')
  })
})

describe('acknowledgements', () => {
  test('a node that closes is no longer waited for', async () => {
    const [first, second] = [await started(), await started({ node: 'second' })]
    expect((await first.append('purge', { tags: ['t'] })).nodes).toEqual({ expected: 2, acked: 2 })
    expect(first.nodes().map(({ id }) => id)).toContain('second')
    await second.close()
    await until(() => first.nodes().length === 1, 'it is no longer listed')
    expect((await first.append('purge', { tags: ['t'] })).nodes).toEqual({ expected: 1, acked: 1 })
  })

  test('a node that closes while it registers is not waited for', async () => {
    await using link = await startFaultProxy({ port: server.port })
    const connect = (options: RedisConnectionOptions) => {
      if (options.name !== 'herdgate-tail') return connectRedis(server.url, options)
      const client = connectRedis(`redis://127.0.0.1:${link.port}`, options)
      client.once('ready', () => link.set({ kind: 'blackhole' })) // what it sends then arrives later
      asks = vi.spyOn(client, 'evalsha')
      return client
    }
    let asks: MockInstance | undefined
    const log = redisLog({ connect, prefix, node: 'closing' })
    await until(() => asks?.mock.calls.length === 1, 'it has sent a command, so it is connected')
    const closed = log.close()
    link.set({ kind: 'pass' })
    await closed
    const listed = async () => (await redis.zscore(key('nodes'), 'closing')) !== null
    await until(async () => (await redis.exists(key('head'))) === 1, 'the command has arrived')
    expect(await listed()).toBe(false)
  })

  test('a node that does not answer is waited for until purgeTimeout', async () => {
    await using proxy = await startFaultProxy({ port: server.port })
    const clock = new FakeClock()
    const first = await started({ clock, purgeTimeout: 5_000 })
    await started({ url: `redis://127.0.0.1:${proxy.port}` })
    proxy.set({ kind: 'blackhole' })
    const before = first.position
    let answered = false
    const answer = first.append('purge', { tags: ['t'] }).finally(() => void (answered = true))
    await until(() => first.position === before + 1, 'it is applied here')
    await clock.advance(4_900)
    expect(answered).toBe(false)
    expect((await inTime(clock, answer)).nodes).toEqual({ expected: 2, acked: 1 })
  })

  test('a node that died is waited for two leases, after which it can use nothing older', async () => {
    await using proxy = await startFaultProxy({ port: server.port })
    const clock = new FakeClock()
    const first = await started({ clock, purgeTimeout: '1h' })
    await started({ url: `redis://127.0.0.1:${proxy.port}`, clock: new FakeClock() })
    proxy.set({ kind: 'reset' })
    const before = first.position
    let answered = false
    const answer = first.append('purge', { tags: ['t'] }).finally(() => void (answered = true))
    await until(() => first.position === before + 1, 'it is applied here')
    await clock.advance(9_990)
    expect(answered).toBe(false)
    await until(async () => {
      await clock.advance(5)
      return answered
    }, 'it answers')
    expect((await answer).nodes).toEqual({ expected: 1, acked: 1 })
  })

  test('a node that died is forgotten in time although the clock of Redis was set back', async () => {
    const clock = new FakeClock()
    const log = await started({ clock, lease: 200 })
    await redis.zadd(key('nodes'), Date.now() + 3_600_000, 'died')
    const lists = (count: number) =>
      until(async () => {
        await clock.advance(10)
        return log.nodes().length === count
      }, `${count} are listed`)
    await lists(2)
    await lists(1)
  })

  test('a node whose process is known to have ended is not waited for, even if it reports once more', async () => {
    const clock = new FakeClock()
    const first = await started({ clock })
    await started({ node: 'other', clock: new FakeClock() })
    const ended = connectRedis(server.url, { name: 'ended' })
    await until(() => ended.status === 'ready', 'it is connected')
    const calls = new RedisLogCalls(ended, { prefix, node: 'ended', lease: 5_000, maxTargets: 100 }, () => [])
    const report = () => calls.report({ generation: first.generation, position: 0, nonce: '' }, 0)
    const ids = () => first.nodes().map(({ id }) => id)
    await report()
    await until(() => ids().includes('ended'), 'it is listed')
    first.hasEnded('ended')
    expect(ids()).not.toContain('ended')
    await until(async () => (await redis.zscore(key('nodes'), 'ended')) === null, 'no node lists it any longer')
    await report()
    await until(() => ids().includes('ended'), 'it is listed again')
    await until(async () => {
      await clock.advance(1_000)
      return !ids().includes('ended')
    }, 'it has been removed from the list again')
    expect(await redis.zscore(key('nodes'), 'ended')).toBeNull()
    expect(await redis.zscore(key('nodes'), 'other')).not.toBeNull()
    ended.disconnect()
  })

  test('they count what was applied, not what was appended', async () => {
    await using proxy = await startFaultProxy({ port: server.port })
    const [first, second] = [await started(), await started({ url: `redis://127.0.0.1:${proxy.port}` })]
    await synced(first, second)
    const stamp = stampIn(second)
    proxy.set({ kind: 'delay', ms: 200 })
    expect((await first.append('purge', { tags: ['t'] })).nodes).toEqual({ expected: 2, acked: 2 })
    expect(second.verdict(stamp)).toBe('dead')
  })

  test('a record whose reply is lost is logged once', async () => {
    await using proxy = await startFaultProxy({ port: server.port })
    const log = await started({ url: `redis://127.0.0.1:${proxy.port}`, appendTimeout: '30s', purgeTimeout: '40s' })
    await log.append('purge', { tags: ['so that Redis knows the script'] })
    const before = log.position
    proxy.set({ kind: 'delay', ms: 60_000 })
    const appended = log.append('purge', { tags: ['t'] })
    await until(async () => (await redis.zscore(key('purged'), 'tag t')) !== null, 'it is in the log')
    proxy.set({ kind: 'reset' })
    proxy.set({ kind: 'pass' })
    expect((await appended).position).toBe(before + 1)
    expect(await redis.hget(key('head'), 'position')).toBe(String(before + 1))
  })

  test('a record that cannot be logged is an error with a code', async () => {
    const log = await started({ appendTimeout: 1_500 })
    await redis.config('SET', 'maxmemory', '1mb')
    try {
      await expect(log.append('purge', { tags: ['t'] })).rejects.toMatchObject({ code: 'not_logged', status: 503 })
    } finally {
      await redis.config('SET', 'maxmemory', '0')
    }
    await until(async () => {
      const receipt = await log.append('purge', { tags: ['t'] }).catch(() => undefined)
      return receipt?.nodes.expected === 1 && receipt.nodes.acked === 1
    }, 'it can log again')
  })

  test.each(['redis://127.0.0.1:1', 'redis+cluster://127.0.0.1:1'])(
    'without a connection the error says so: %s',
    async (url) => {
      const log = redisLog({ url, prefix, appendTimeout: '100ms' })
      opened.push(log)
      await expect(log.append('purge', { tags: ['t'] })).rejects.toThrow('not logged: there is no connection to Redis')
    },
  )
})

describe('a record that could not be logged', () => {
  test('takes effect here at once, and everywhere when Redis is back', async () => {
    await using proxy = await startFaultProxy({ port: server.port })
    const own = await started({ url: `redis://127.0.0.1:${proxy.port}`, appendTimeout: '100ms', lease: '1s' })
    const other = await started()
    const before = systemClock.now()
    const stamp = (log: InvalidationLog, startedAt = before) => stampIn(log, { startedAt })
    const [here, there] = [stamp(own), stamp(other)]
    proxy.set({ kind: 'reset' })
    await expect(own.append('purge', { tags: ['t'] })).rejects.toMatchObject({ code: 'not_logged' })
    expect([own.verdict(here), other.verdict(there)]).toEqual(['dead', 'valid'])
    const later = stamp(own, systemClock.now() + 60_000)
    expect(own.verdict(later)).not.toBe('dead')
    proxy.set({ kind: 'pass' })
    await until(() => other.verdict(there) === 'dead', 'it has been logged')
    await until(() => own.position === other.position, 'it has been read')
    expect(own.verdict(here)).toBe('dead')
  })
})

describe('the lease', () => {
  test('without Redis at the start, copies are valid for one lease after their fetch began', async () => {
    const clock = new FakeClock()
    const log = redisLog({ url: 'redis://127.0.0.1:1', clock })
    opened.push(log)
    await clock.advance(1_000)
    await log.started
    expect(log.synced).toBe(false)
    expect(log.degraded()).toHaveLength(1)
    const stamp = stampIn(log, { startedAt: clock.now() })
    expect(log.verdict(stamp)).toBe('valid')
    await clock.advance(4_999)
    expect(log.verdict(stamp)).toBe('valid')
    await clock.advance(1)
    expect(log.verdict(stamp)).toBe('stale')
  })

  test('expires when Redis stops answering, and is renewed when it answers again', async () => {
    await using proxy = await startFaultProxy({ port: server.port })
    const clock = new FakeClock()
    const seen: LogEvent['what'][] = []
    const events = new Events()
    events.on('log', ({ what }) => void seen.push(what))
    const log = await started({ url: `redis://127.0.0.1:${proxy.port}`, clock, events })
    await synced(log)
    await clock.advance(1_700)
    proxy.set({ kind: 'blackhole' })
    const old = stampIn(log)
    expect(log.verdict(old)).toBe('valid')
    await clock.advance(5_000)
    expect(log.synced).toBe(false)
    expect(log.verdict(old)).toBe('stale')
    expect(log.verdict(stampIn(log, { startedAt: clock.now() - 4_999 }))).toBe('valid')
    await clock.advance(1_700)
    proxy.set({ kind: 'pass' })
    await until(async () => {
      await clock.advance(20)
      return log.synced
    }, 'it is synced again')
    expect(log.verdict(stampIn(log))).toBe('valid')
    await until(async () => {
      await clock.advance(200)
      return seen.at(-1) === 'synced'
    }, 'it has reported it')
    expect(seen).toEqual(['generation', 'synced', 'unsynced', 'synced'])
  })

  test('copies that a record has purged stay dead while the log cannot be read', async () => {
    const clock = new FakeClock()
    const log = await started({ clock })
    const stamp = stampIn(log)
    await log.append('purge', { tags: ['t'] })
    server.pause()
    await clock.advance(60_000)
    expect(log.synced).toBe(false)
    expect(log.verdict({ ...stamp, startedAt: clock.now() })).toBe('dead')
  })

  test('counts from the request, not from a late reply', async () => {
    const clock = new FakeClock()
    const log = await started({ clock, node: 'n' })
    await until(async () => (await redis.hget(key('reports'), 'n')) !== null, 'it has reported')
    await redis.zadd(key('nodes'), 'inf', 'shows that the answer has come')
    server.pause()
    await clock.advance(1_700) // asks at 1 667
    await clock.advance(1_500)
    server.resume()
    await until(() => log.nodes().length === 2, 'the answer has arrived')
    server.pause()
    await clock.advance(3_400)
    expect(log.synced).toBe(true)
    await clock.advance(100)
    expect(log.synced).toBe(false)
  })
})

describe('the reason why the log cannot be read is reported', () => {
  let locked: RedisServer
  beforeAll(async () => {
    const reader = ['--user', 'reader', 'on', '>word', '~*', '&*', '+@connection', '+info', '+subscribe']
    locked = await startRedis({ flags: ['--requirepass', 'secret', ...reader] })
  })
  afterAll(() => locked.stop())

  test.each([
    ['nobody listens', () => 'redis://127.0.0.1:1', 'Redis: connect ECONNREFUSED 127.0.0.1:1'],
    ['it is not a cluster', () => server.url.replace('redis:', 'redis+cluster:'), 'cluster support disabled'],
    ['a password is missing', () => locked.url, 'NOAUTH'],
    ['the password is wrong', () => locked.url.replace('//', '//:wrong@'), 'WRONGPASS'],
    ['the user has no permission', () => locked.url.replace('//', '//reader:word@'), 'NOPERM'],
  ])('%s', async (_, url, why) => {
    const events = new Events()
    const told: string[] = []
    events.on('log', ({ what, detail }) => void (what === 'unsynced' && told.push(detail)))
    opened.push(redisLog({ url: url(), prefix, events, lease: '3s' }))
    await until(() => told.length > 0, 'it is reported')
    expect(told).toEqual([expect.stringContaining(why)])
  })
})

describe('a log that lost records', () => {
  const LOSSES: Record<string, () => Promise<unknown>> = {
    'everything was flushed': () => redis.flushall(),
    'the stream was evicted': () => redis.del(key('records')),
    'the head was evicted': () => redis.del(key('head')),
    'the purges were evicted': () => redis.del(key('purged')),
    'the invalidations were evicted': () => redis.del(key('invalidated')),
    'its newest record was deleted': async () => {
      const [newest] = await redis.xrevrange(key('records'), '+', '-', 'COUNT', 1)
      return redis.xdel(key('records'), newest?.[0] ?? '')
    },
    'somebody wrote into the stream': () => redis.xadd(key('records'), '*', 'x', 'y'),
    'somebody put another type there': () => redis.multi().del(key('records')).set(key('records'), 'x').exec(),
    'the position is not a number': () => redis.hset(key('head'), 'position', '9223372036854775807'),
  }

  test.each(Object.entries(LOSSES))('begins a new generation when %s', async (_, lose) => {
    const clock = new FakeClock()
    const [first, second] = [await started({ clock }), await started({ clock })]
    await first.append('purge', { tags: ['purged'] })
    const { generation } = first
    const [purged, other] = [stampIn(first, { position: 1, checked: 1, tags: ['purged'] }), stampIn(first)]
    await lose()
    await until(async () => {
      await clock.advance(50)
      return first.generation !== generation && second.generation === first.generation && first.synced && second.synced
    }, 'both have the same new generation')
    for (const log of [first, second]) {
      expect(log.verdict({ ...other })).toBe('stale')
      expect(log.verdict({ ...purged })).toBe('dead')
      expect(log.verdict(stampIn(log))).toBe('valid')
    }
    const fresh = stampIn(second)
    await inTime(clock, first.append('purge', { tags: ['t'] }))
    expect(second.verdict(fresh)).toBe('dead')
  })

  test('gets the records of the last minutes appended again, once', async () => {
    const clock = new FakeClock()
    const log = await started({ clock })
    await log.append('purge', { tags: ['t'] })
    await redis.flushall()
    await until(async () => {
      await clock.advance(50)
      return (await redis.zscore(key('purged'), 'tag t')) !== null
    }, 'it was logged again')
    const late = await started()
    expect(late.verdict(stampIn(late, { generation: 'before' }))).toBe('dead')
    await clock.advance(5_000)
    expect(await redis.xlen(key('records'))).toBe(2) // the beginning, and the purge
  })

  test.each(['purged', 'invalidated'] as const)('gets its records again if only %s was lost', async (set) => {
    const clock = new FakeClock()
    const log = await started({ clock })
    const stamp = stampIn(log)
    await log.append(set === 'purged' ? 'purge' : 'invalidate', { tags: ['t'] })
    await redis.del(key(set))
    await until(async () => {
      await clock.advance(50)
      return (await redis.zscore(key(set), 'tag t')) !== null
    }, 'it was logged again')
    const late = await started()
    await synced(late)
    expect(late.verdict(stamp)).toBe(set === 'purged' ? 'dead' : 'stale')
  })

  test('does not count a purge as applied everywhere while former nodes may not be back', async () => {
    const clock = new FakeClock()
    const log = await started({ clock, purgeTimeout: 5_000 })
    const { generation } = log
    await redis.flushall()
    await until(async () => {
      await clock.advance(50)
      return log.generation !== generation && log.synced
    }, 'its log has a new generation')
    const before = log.position
    const appended = log.append('purge', { tags: ['t'] })
    await applied(clock, log, before + 1)
    expect((await inTime(clock, appended)).nodes).toEqual({ expected: 2, acked: 1 })
  })

  test('counts it as applied everywhere once they would be back, although the clock of Redis was set back', async () => {
    const log = await started({ lease: 200 })
    const { generation } = log
    await redis.flushall()
    await until(() => log.generation !== generation, 'its log has a new generation')
    await redis.hincrby(key('head'), 'doubt', 3_600_000)
    expect((await log.append('purge', { tags: ['t'] })).nodes).toEqual({ expected: 1, acked: 1 })
  })

  test('heeds a doubt of an older version, which does not state how long it lasts', async () => {
    const clock = new FakeClock()
    const log = await started({ clock, lease: '60s', purgeTimeout: 5_000 })
    await redis.hset(key('head'), 'doubt', Date.now() + 3_600_000)
    const before = log.position
    const appended = log.append('purge', { tags: ['t'] })
    await applied(clock, log, before + 1)
    expect((await inTime(clock, appended)).nodes).toEqual({ expected: 2, acked: 1 })
  })

  test('begins a new generation when Redis restarts empty, and gets its purges again', async () => {
    const log = await started({ lease: '1s' })
    const { generation } = log
    const stamp = stampIn(log)
    await log.append('purge', { tags: ['t'] })
    await server.restart()
    await until(() => log.generation !== generation && log.synced, 'its log has a new generation')
    expect(log.verdict(stamp)).toBe('dead')
    await until(async () => (await redis.zscore(key('purged'), 'tag t')) !== null, 'the purge was logged again')
  })

  test('is noticed after a failover that put other records in place of its last', async () => {
    const clock = new FakeClock()
    const [first, second] = [await started({ clock }), await started({ clock })]
    await first.append('purge', { tags: ['lost'] })
    const { generation, position } = second
    // As on the new master: the same position holds another record, by a node that never saw the first.
    await redis.multi().xdel(key('records'), `${position}-0`).xrevrange(key('records'), '+', '-').exec()
    const kept = await redis.xrange(key('records'), '-', '+')
    const pipeline = redis.multi().del(key('records'))
    for (const [id, fields] of kept) pipeline.xadd(key('records'), id, ...fields)
    pipeline.xadd(
      key('records'),
      `${position}-0`,
      'generation',
      generation,
      'nonce',
      'other',
      'mode',
      'purge',
      'targets',
      '["tag t"]',
    )
    pipeline.zrem(key('purged'), 'tag lost').zadd(key('purged'), position, 'tag t').del(key('nonces'))
    const stamp = stampIn(second)
    expect(second.verdict({ ...stamp })).toBe('valid')
    await pipeline.exec()
    await until(async () => {
      await clock.advance(50)
      return second.generation !== generation && first.generation === second.generation && second.synced
    }, 'both have a new generation')
    expect(second.verdict({ ...stamp })).toBe('dead')
    await until(async () => {
      await clock.advance(50)
      return (await redis.zscore(key('purged'), 'tag lost')) !== null
    }, 'the lost purge was logged again')
  })
})

describe('a log that is set back by a failover or an older dump', () => {
  test('does not take reports on lost records for acknowledgements of those in their place', async () => {
    await using tail = await startFaultProxy({ port: server.port })
    await using link = await startFaultProxy({ port: server.port })
    const ofTail = ({ name }: RedisConnectionOptions) => name === 'herdgate-tail'
    const connect = (options: RedisConnectionOptions) =>
      connectRedis(ofTail(options) ? `redis://127.0.0.1:${tail.port}` : server.url, options)
    const cutOff = { url: `redis://127.0.0.1:${link.port}`, lease: '30s' }
    const [issuer, other] = [await started({ connect }), await started(cutOff)]
    await synced(issuer, other)
    const stamp = stampIn(other)
    const before = await dump()
    tail.set({ kind: 'blackhole' })
    const lost = other.append('purge', { tags: ['lost'] }, 1_000)
    await until(
      () => issuer.nodes().some((node) => node.position > issuer.position),
      'the issuer knows that the other follows a record it has not read',
    )
    link.set({ kind: 'blackhole' })
    tail.set({ kind: 'reset' })
    await restore(before)
    tail.set({ kind: 'pass' })
    const { nodes } = await issuer.append('purge', { tags: ['t'] }, 5_000)
    expect(other.verdict(stamp)).toBe('valid') // it cannot know yet, and its lease is valid
    expect(nodes).toEqual({ expected: 2, acked: 1 })
    link.set({ kind: 'reset' })
    link.set({ kind: 'pass' })
    await until(() => other.verdict(stamp) !== 'valid', 'it has the record')
    await lost
  })

  test('still waits for a node that is no longer listed', async () => {
    await using link = await startFaultProxy({ port: server.port })
    const issuer = await started()
    const before = await dump()
    const other = await started({ url: `redis://127.0.0.1:${link.port}`, lease: '30s' })
    await synced(issuer, other)
    await until(() => issuer.nodes().length === 2, 'they know each other')
    const stamp = stampIn(other)
    link.set({ kind: 'blackhole' })
    await restore(before)
    const { nodes } = await issuer.append('purge', { tags: ['t'] }, 2_000)
    expect(other.verdict(stamp)).toBe('valid')
    expect(nodes).toEqual({ expected: 2, acked: 1 })
  })
})

describe('a Redis that restarts from what it had saved', () => {
  const lease = '1s' // former nodes are waited for twice as long
  const otherTag = { tags: ['other'] }
  const purge = (log: RedisLog, ...tags: string[]) =>
    Promise.all(tags.map((tag) => log.append('purge', { tags: [tag] })))

  test('does not reuse lost positions, even if only a copy remembers them', async () => {
    await using saving = await startRedis()
    const before = await started({ url: saving.url, lease })
    await saving.cli('SAVE')
    const kept = stampIn(before, otherTag)
    await purge(before, 'a', 'b', 'c', 'd')
    const lost = [stampIn(before)]
    for (let time = 0; time < 2; time++) {
      await saving.kill()
      await Promise.all(opened.splice(0).map((log) => log.close()))
      await saving.restart()
      const after = await started({ url: saving.url, lease })
      await synced(after)
      expect(lost.map((stamp) => after.verdict({ ...stamp }))).not.toContain('valid')
      await purge(after, 't')
      const ofNext = stampIn(after)
      for (const log of [after, await started({ url: saving.url, lease })]) {
        await until(() => log.verdict({ ...kept }) === 'valid', 'what it has not lost is valid')
        expect(lost.map((stamp) => log.verdict({ ...stamp }))).toEqual(lost.map(() => 'dead'))
      }
      await purge(after, 'e', 'f', 'g', 'h', 'i', 'j')
      await synced(after)
      expect(lost.map((stamp) => after.verdict({ ...stamp }))).toEqual(lost.map(() => 'dead'))
      lost.push(ofNext, stampIn(after))
    }
  })

  test('and has lost nothing, keeps copies valid and purges in effect', async () => {
    await using saving = await startRedis()
    const events = new Events()
    const told: LogEvent[] = []
    const log = await started({ url: saving.url, events })
    const [purged, good] = [stampIn(log), stampIn(log, otherTag)]
    await purge(log, 't')
    events.on('log', (event) => void told.push(event))
    for (let time = 0; time < 3; time++) {
      await saving.cli('SAVE')
      await saving.restart()
      const late = await started({ url: saving.url })
      const next = stampIn(late, { tags: [`next${time}`] })
      await purge(late, `next${time}`)
      for (const each of [log, late]) {
        await until(() => each.generation === late.generation && each.synced, 'it has the same generation')
        expect([purged, next, good].map((stamp) => each.verdict({ ...stamp }))).toEqual(['dead', 'dead', 'valid'])
      }
    }
    expect(told.filter(({ what }) => what === 'generation')).toEqual([])
  })

  test('does not lack a node that was nearly forgotten, if another node logs a purge first', async () => {
    await using saving = await startRedis()
    await using link = await startFaultProxy({ port: saving.port })
    const clients: RedisClient[] = []
    const connect = (options: RedisConnectionOptions) => {
      const url = options.name === 'herdgate-tail' ? `redis://127.0.0.1:${link.port}` : saving.url
      const client = connectRedis(url, options)
      clients.push(client)
      return client
    }
    const clock = new FakeClock()
    const issuer = await started({ connect, clock, purgeTimeout: 5_000 })
    const listOther = (ms: number) => saving.cli('ZADD', key('nodes'), String(Date.now() + ms), 'other')
    await saving.cli('SAVE')
    await listOther(4_000)
    await clock.advance(2_000) // it reports
    await until(() => issuer.nodes().length === 2 && issuer.synced, 'the issuer knows it')
    await listOther(60_000) // it is back, which the issuer has yet to learn
    link.set({ kind: 'blackhole' })
    await saving.restart()
    const first = await started({ url: saving.url })
    await first.append('purge', { tags: ['a'] }, 100)
    await until(() => clients.some((client) => client.status === 'ready'), 'the issuer can write')
    await clock.advance(4_000)
    expect(issuer.synced).toBe(true)
    const appended = issuer.append('purge', { tags: ['t'] })
    await until(() => first.position === issuer.position + 2, 'it is logged')
    link.set({ kind: 'reset' })
    link.set({ kind: 'pass' })
    await until(() => issuer.generation === first.generation, 'the issuer reads it')
    expect((await inTime(clock, appended)).nodes).toEqual({ expected: 3, acked: 2 })
  })

  test('after it was flushed does not continue the saved generation, whose later purges are lost', async () => {
    await using saving = await startRedis()
    const [log, other] = [await started({ url: saving.url, lease }), await started({ url: saving.url, lease })]
    const [purged, good] = [stampIn(log), stampIn(log, otherTag)]
    await saving.cli('SAVE')
    const { generation } = log
    await purge(other, 't')
    await other.close() // so that its purge, like one of long ago, is not logged again
    expect([purged, good].map((stamp) => log.verdict(stamp))).toEqual(['dead', 'valid'])
    await saving.cli('FLUSHALL')
    await until(() => log.generation !== generation && log.synced, 'its log has another generation')
    const { generation: second } = log
    await saving.kill()
    await saving.restart()
    await until(() => log.generation !== second && log.synced, 'its log has a third generation')
    expect(log.generation).not.toBe(generation)
    const held = { ...purged, checked: purged.position }
    expect([purged, held, good].map((stamp) => log.verdict(stamp))).toEqual(['dead', 'dead', 'stale'])
    const late = await started({ url: saving.url, lease })
    expect([late.generation, late.verdict(held)]).toEqual([log.generation, 'stale'])
  })

  test('or was a replica of another meanwhile, without a restart, does not reuse positions', async () => {
    const flags = ['--repl-diskless-sync-delay', '0']
    await using master = await startRedis({ flags })
    await using replica = await startRedis({ flags })
    const leave = () => Promise.all(opened.splice(0).map((log) => log.close()))
    const follow = async (follower: RedisServer, { port }: RedisServer) => {
      await follower.cli('REPLICAOF', '127.0.0.1', String(port))
      await until(
        async () => (await follower.cli('INFO')).includes('master_link_status:up'),
        'the replica is connected',
      )
      await follower.cli('REPLICAOF', 'NO', 'ONE')
    }
    const before = await started({ url: master.url, lease })
    await follow(replica, master)
    await purge(before, 'a', 'b', 'c', 'd')
    const lost = stampIn(before)
    await leave()
    await started({ url: replica.url, lease })
    await leave()
    await follow(master, replica)
    const after = await started({ url: master.url, lease })
    expect(after.position).toBeLessThan(lost.position)
    await purge(after, 't')
    await purge(after, 'e', 'f', 'g', 'h', 'i', 'j')
    expect(after.verdict(lost)).toBe('dead')
  })

  test('continues with a node that knows nothing, until one is back that knows what was lost', async () => {
    await using saving = await startRedis()
    await using link = await startFaultProxy({ port: saving.port })
    const knowing = await started({ url: `redis://127.0.0.1:${link.port}`, lease })
    await saving.cli('SAVE')
    const stamp = stampIn(knowing)
    await purge(knowing, 't')
    link.set({ kind: 'reset' })
    await saving.restart()
    const fresh = await started({ url: saving.url, lease })
    await purge(fresh, 'a', 'b', 'c', 'd')
    await until(() => fresh.verdict({ ...stamp }) === 'valid', 'it answers as a log without records does')
    link.set({ kind: 'pass' })
    await until(() => fresh.verdict({ ...stamp }) === 'dead', 'it was logged again')
    expect(knowing.verdict({ ...stamp })).toBe('dead')
  })
})

test('after an outage in which Redis has forgotten all nodes, those not yet back are waited for', async () => {
  await using link = await startFaultProxy({ port: server.port })
  const clock = new FakeClock()
  const url = `redis://127.0.0.1:${link.port}`
  const [issuer, other] = [await started({ url, clock, purgeTimeout: 5_000 }), await started()]
  await until(async () => {
    await clock.advance(50)
    return issuer.nodes().length === 2
  }, 'they know each other')
  link.set({ kind: 'reset' })
  await other.close()
  await clock.advance(120_000)
  link.set({ kind: 'pass' })
  await until(async () => {
    await clock.advance(50)
    return issuer.synced
  }, 'it receives the log')
  const before = issuer.position
  const appended = issuer.append('purge', { tags: ['t'] })
  await applied(clock, issuer, before + 1)
  expect((await inTime(clock, appended)).nodes).toEqual({ expected: 2, acked: 1 })
})

test('a node that starts when Redis has forgotten all others does not take a purge for applied everywhere', async () => {
  await using link = await startFaultProxy({ port: server.port })
  const other = await started({ url: `redis://127.0.0.1:${link.port}`, lease: '30s', node: 'other' })
  await synced(other)
  const stamp = stampIn(other)
  link.set({ kind: 'blackhole' })
  await redis.zadd(key('nodes'), 1, 'other') // as after a long outage, or with an older dump
  const clock = new FakeClock()
  const late = await started({ clock, purgeTimeout: 5_000 })
  const before = late.position
  const appended = late.append('purge', { tags: ['t'] })
  await applied(clock, late, before + 1)
  const { nodes } = await inTime(clock, appended)
  expect(other.verdict(stamp)).toBe('valid') // it cannot know yet
  expect(nodes).toEqual({ expected: 2, acked: 1 })
})

/** All keys of the log as they are. */
async function dump(): Promise<(readonly [key: string, octets: Buffer])[]> {
  const keys = await redis.keys(key('*'))
  const dumped = await Promise.all(keys.map((name) => redis.dumpBuffer(name)))
  return keys.map((name, at) => [name, dumped[at] ?? Buffer.alloc(0)] as const)
}

async function restore(state: Awaited<ReturnType<typeof dump>>): Promise<void> {
  const all = redis.multi().del(await redis.keys(key('*')))
  for (const [name, octets] of state) all.restore(name, 0, octets)
  await all.exec()
}

describe('a node that fell behind', () => {
  test('takes over the compacted state if the records that it lacks were trimmed', async () => {
    await using proxy = await startFaultProxy({ port: server.port })
    const [first, second] = [await started(), await started({ url: `redis://127.0.0.1:${proxy.port}` })]
    await synced(first, second)
    const stamp = stampIn(second)
    const { generation } = second
    proxy.set({ kind: 'reset' })
    const appended = ['t', 'u', 'v'].map((tag) => first.append('purge', { tags: [tag] }))
    await until(() => first.position === stamp.position + 3, 'they are applied')
    await redis.xtrim(key('records'), 'MAXLEN', 1)
    proxy.set({ kind: 'pass' })
    await Promise.all(appended)
    await until(() => second.position === first.position, 'it has caught up')
    expect(second.generation).toBe(generation)
    expect(second.verdict(stamp)).toBe('dead')
  })

  test('catches up after its connections were cut', async () => {
    const [first, second] = [await started(), await started()]
    const stamp = stampIn(second)
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    const { nodes } = await first.append('purge', { tags: ['t'] })
    expect(nodes.expected).toBe(2)
    await until(() => second.position === first.position && second.synced, 'it has caught up')
    expect(second.verdict(stamp)).toBe('dead')
  })
})

describe('a connection that receives nothing', () => {
  test('is closed when the log is ahead at two heartbeats in a row, not for one record just logged', async () => {
    await using proxy = await startFaultProxy({ port: server.port })
    const clock = new FakeClock()
    const tails: RedisClient[] = []
    const sent: (() => Promise<unknown>)[] = []
    const connect = (more: RedisConnectionOptions) => {
      const isTail = more.name === 'herdgate-tail'
      const client = connectRedis(isTail ? `redis://127.0.0.1:${proxy.port}` : server.url, more)
      if (isTail) tails.push(client)
      else {
        const { mock } = vi.spyOn(client, 'sendCommand')
        sent.push(() => Promise.allSettled(mock.results.map(({ value }) => value)))
      }
      return client
    }
    const log = await started({ lease: '60s', clock, connect })
    const issuer = await started({ lease: '60s', node: 'issuer' })
    const beatAndHear = async (position: number) => {
      await clock.advance(20_000)
      for (const answered of sent) await answered()
      await settle()
      expect(log.nodes()).toContainEqual(expect.objectContaining({ id: 'issuer', position }))
    }
    await beatAndHear(1)
    const givenUp = vi.spyOn(tails[0] ?? redis, 'disconnect')
    proxy.set({ kind: 'blackhole' })
    const appended = issuer.append('purge', { tags: ['t'] })
    await until(async () => {
      return (await redis.hget(key('reports'), 'issuer'))?.endsWith(' 2 60000') === true
    }, 'its issuer follows')
    await beatAndHear(2)
    expect(log.position).toBe(1)
    expect(givenUp).not.toHaveBeenCalled()
    await clock.advance(20_000)
    await until(() => givenUp.mock.calls.length > 0, 'it is abandoned')
    proxy.set({ kind: 'pass' })
    await inTime(clock, appended)
    expect(log.position).toBe(2)
  })
})

describe('upkeep', () => {
  test('old records and marks are dropped, and the floor covers them', async () => {
    const clock = new FakeClock()
    const log = await started({ clock, keepFor: 0 })
    const stamp = stampIn(log)
    await log.append('purge', { tags: ['t'] })
    await log.append('invalidate', { tags: ['u'] })
    await log.append('invalidate', { tags: ['v'] })
    await until(async () => {
      await clock.advance(100_000)
      return (await redis.xlen(key('records'))) === 1
    }, 'it was trimmed')
    expect(await redis.zcard(key('purged'))).toBe(1) // the member that stays
    const late = await started()
    expect(late.generation).toBe(log.generation)
    expect(late.verdict(stamp)).toBe('dead')
    expect(late.verdict(stampIn(log, { position: stamp.position + 1, checked: stamp.position + 1 }))).toBe('stale')
    expect(late.verdict(stampIn(log, { position: log.position, checked: log.position }))).toBe('valid')
  })

  test('old records are dropped even if the clock of Redis was set back since', async () => {
    const clock = new FakeClock()
    const log = await started({ clock, keepFor: 0 })
    for (const tag of ['t', 'u']) await log.append('purge', { tags: [tag] })
    await redis.hset(key('head'), 'trimmed', Date.now() + 7_200_000)
    await until(async () => {
      await clock.advance(100_000)
      return (await redis.xlen(key('records'))) === 1
    }, 'it was trimmed')
  })

  test('old records are dropped from a full Redis too, to make room', async () => {
    await using full = await startRedis({ flags: ['--maxmemory-policy', 'noeviction'] })
    const clock = new FakeClock()
    const log = await started({ url: full.url, clock, keepFor: 0 })
    for (const tag of ['t', 'u']) await log.append('purge', { tags: [tag] })
    await full.cli('CONFIG', 'SET', 'maxmemory', '1')
    await until(async () => {
      await clock.advance(100_000)
      return (await full.cli('XLEN', key('records'))) === '1'
    }, 'it was trimmed')
  })

  test('the number of targets is bounded in Redis too', async () => {
    const log = await started({ maxTargets: 10 })
    const stamp = stampIn(log)
    await log.append('purge', { tags: ['t'] })
    for (let n = 0; n < 15; n++) await log.append('purge', { tags: [`other${n}`] })
    expect(await redis.zcard(key('purged'))).toBe(11)
    const late = await started({ maxTargets: 1_000 })
    expect(late.verdict(stamp)).toBe('dead')
  })

  test('its keys are in one slot, and none of them expires', async () => {
    const log = await started()
    await log.append('purge', { tags: ['t'] })
    const keys = await redis.keys(`*${prefix}*`)
    expect(keys.every((name) => name.startsWith(`{${prefix}}:`))).toBe(true)
    expect(await Promise.all(keys.map((name) => redis.ttl(name)))).toEqual(keys.map(() => -1))
  })

  test('a Redis that may evict the log is reported', async () => {
    const events = new Events()
    const seen: string[] = []
    events.on('log', ({ what }) => void seen.push(what))
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
    try {
      const log = await started({ events })
      await until(() => seen.includes('evictable'), 'it is reported')
      expect(log.degraded().join()).toContain('allkeys')
    } finally {
      await redis.config('SET', 'maxmemory-policy', 'noeviction')
    }
  })

  test('a master that has become a replica accepts no purge and renews no lease', async () => {
    const log = await started({ lease: '1s', appendTimeout: 1_500 })
    await synced(log)
    await redis.config('SET', 'replica-read-only', 'yes')
    await redis.replicaof('127.0.0.1', 1)
    try {
      await expect(log.append('purge', { tags: ['t'] })).rejects.toMatchObject({ code: 'not_logged' })
      await until(() => !log.synced, 'the lease has run out')
    } finally {
      await redis.replicaof('NO', 'ONE')
    }
    await synced(log)
    expect((await log.append('purge', { tags: ['t'] })).nodes.acked).toBe(1)
  })

  test('invalid options are refused with what was expected', () => {
    expect(() => redisLog({ url: server.url, prefix: 'a{b}' })).toThrow('as a prefix')
    expect(() => redisLog({ url: server.url, prefix: '' })).toThrow('as a prefix')
    expect(() => redisLog({})).toThrow('expected url or connect')
    expect(() => redisLog({ url: server.url, lease: 'soon' })).toThrow('expected a duration')
  })
})
