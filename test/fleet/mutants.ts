/** Ways to get coherence wrong. Each must be caught: a check that misses one proves nothing. */
import type { Clock, InvalidationLog, Kept, Receipt, Stamp, Store } from '../../src/model.ts'
import { withChanges } from '../../src/response-record.ts'
import { connectRedis, type RedisClient } from '../../src/stores/redis/connection.ts'
import type { RedisLog } from '../../src/stores/redis/log.ts'
import { build, type Changes } from './build.ts'
import type { Build, Parts, Place } from './in-process.ts'
import type { Theme } from './plan.ts'

export interface Mutant {
  readonly build: Build
  /** A theme that exposes it. */
  readonly theme: Theme
}

export const MUTANTS: Readonly<Record<string, Mutant>> = {
  'a copy has the position of the end of its fetch': {
    theme: 'calm',
    build: (place) => build(place, { log: (log) => changed(log, { verdict: (stamp) => judgedAnew(log, stamp) }) }),
  },
  'without a lease': {
    theme: 'network',
    build: (place) =>
      build(place, { log: (log, { clock }) => changed(log, { verdict: trusting(log, () => true, clock) }) }),
  },
  'a purge is acknowledged as soon as it is logged': {
    theme: 'network',
    build: (place) =>
      build(place, {
        logOptions: { purgeTimeout: 0 },
        log: (log) =>
          changed(log, {
            async append(mode, selectors) {
              const { nodes, ...receipt } = await log.append(mode, selectors)
              return { ...receipt, nodes: { ...nodes, acked: nodes.expected } }
            },
          }),
      }),
  },
  'copies of others are not judged': {
    theme: 'calm',
    build: (place) => build(place, { shared: (store, log, { clock }) => trustedAsOwn(store, log, clock) }),
  },
  'a purge that was not logged is acknowledged': {
    theme: 'network',
    build: (place) =>
      build(place, {
        log: (log) =>
          changed(log, {
            append: (mode, selectors) => log.append(mode, selectors).catch(() => EVERYWHERE),
          }),
      }),
  },
  'what was purged may still be given stale': {
    theme: 'calm',
    build: (place) => build(place, { log: (log) => changed(log, { verdict: (stamp) => atWorstStale(log, stamp) }) }),
  },
  'a log that began anew is taken for the one before': {
    theme: 'rollback',
    build: (place) => build(place, { log: (log) => changed(log, { verdict: (stamp) => judgedAsOurs(log, stamp) }) }),
  },
  'the lease begins when the reply comes': {
    theme: 'network',
    build: leaseFromReplies,
  },
}

const EVERYWHERE: Receipt = { id: '', position: 0, nodes: { expected: 1, acked: 1 } }

/** A log with some members replaced. */
function changed(log: RedisLog, change: Partial<InvalidationLog>): RedisLog {
  return new Proxy(log, {
    get(target, name) {
      if (Object.hasOwn(change, name)) return Reflect.get(change, name)
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

const judged = new WeakSet<Stamp>()

/** Treats each stamp as just fetched when it is first seen. */
function judgedAnew(log: InvalidationLog, stamp: Stamp) {
  if (!judged.has(stamp)) Object.assign(stamp, { position: log.position, checked: log.position })
  judged.add(stamp)
  return log.verdict(stamp)
}

function atWorstStale(log: InvalidationLog, stamp: Stamp) {
  const verdict = log.verdict(stamp)
  return verdict === 'dead' ? 'stale' : verdict
}

const judgedAsOurs = (log: InvalidationLog, stamp: Stamp) => log.verdict({ ...stamp, generation: log.generation })

/** Judges as a log does that holds a lease, as long as `trusts` returns true. */
function trusting(log: InvalidationLog, trusts: (now: number) => boolean, clock: Clock): InvalidationLog['verdict'] {
  return (stamp) => {
    const now = clock.now()
    return log.verdict(trusts(now) ? { ...stamp, startedAt: now } : stamp)
  }
}

function trustedAsOwn(store: Store, log: InvalidationLog, clock: Clock): Store {
  const own = (kept: Kept): Kept => {
    if (kept === undefined || kept === 'unknown') return kept
    const { generation, position } = log
    const stamp = { generation, position, checked: position, startedAt: clock.now() }
    return kept.kind === 'response' ? withChanges(kept, stamp) : { ...kept, ...stamp }
  }
  return {
    get: async (key, anew) => own(await store.get(key, anew)),
    getMany: async (keys) => (await store.getMany(keys)).map(own),
    set: (key, stored, keepForMs) => store.set(key, stored, keepForMs),
    setMany: (writes) => store.setMany(writes),
    delete: (key) => store.delete(key),
    deleteMany: (keys) => store.deleteMany(keys),
    clear: () => store.clear(),
    close: () => store.close(),
    usage: () => store.usage(),
  }
}

/** Counts the lease from when a reply arrives, instead of from when its command was sent. */
function leaseFromReplies(place: Place): Parts {
  const { url, leaseMs, clock } = place
  let repliedAt = Number.NEGATIVE_INFINITY
  const observed = (client: RedisClient): RedisClient =>
    new Proxy(client, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        return (...args: unknown[]): unknown => {
          const result: unknown = value.apply(target, args)
          if (result instanceof Promise)
            void result.then(
              () => (repliedAt = clock.now()),
              () => {},
            )
          return result
        }
      },
    })
  const changes: Changes = {
    logOptions: { connect: (options) => observed(connectRedis(url, options)) },
    log: (log) => changed(log, { verdict: trusting(log, (now) => now - repliedAt < leaseMs, clock) }),
  }
  return build(place, changes)
}
