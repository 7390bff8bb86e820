/** The libraries, each as fast as its documentation lets it be: values by reference where it has the choice, no second tier. */
import { type Contestant, type Entry, type Load, MOST_ENTRIES, TTL_MS, type Value } from './contestant.ts'

/** Imports a package from where it was installed. */
export type Import = (name: string) => Promise<unknown>

/** By name, Herdgate first. */
export const CONTESTANTS: Readonly<Record<string, (load: Import) => Promise<Contestant>>> = {
  Herdgate: herdgate,
  BentoCache: bentoCache,
  cacheable,
  'cache-manager': cacheManager,
  'async-cache-dedupe': asyncCacheDedupe,
  'lru-cache': lruCache,
}

/** What is not among the project's own dependencies, pinned. */
export const INSTALLED = ['bentocache@1.6.1', 'cacheable@2.5.0', 'cache-manager@7.2.9', 'async-cache-dedupe@3.4.0']

// ------------------------------------------------------------------------------------------ Herdgate

/** The part of the library that is measured; the built types are not there before the build. */
interface HerdgateLibrary {
  readonly memoryStore: (options: { maxBytes: string }) => unknown
  readonly createCache: (options: { store: unknown }) => HerdgateCache
}

interface HerdgateOptions {
  readonly ttl: string | number
  readonly grace?: string
  readonly softTimeout?: number
  readonly tags?: readonly string[]
}

interface HerdgateCache {
  get(key: string): Promise<unknown>
  set(key: string, value: Value, options: HerdgateOptions): Promise<void>
  getOrSet(key: string, load: Load, options: HerdgateOptions): Promise<unknown>
  getMany(keys: readonly string[]): Promise<unknown[]>
  setMany(entries: readonly (Entry & HerdgateOptions)[]): Promise<void>
  purge(targets: { tags: readonly string[] }): Promise<unknown>
}

async function herdgate(): Promise<Contestant> {
  const name: string = 'herdgate'
  const { createCache, memoryStore }: HerdgateLibrary = await import(name)
  const cache = createCache({ store: memoryStore({ maxBytes: '256MiB' }) })
  const grace = { grace: '1h', softTimeout: 0 }
  return {
    get: (key) => cache.get(key),
    set: (key, value) => cache.set(key, value, { ttl: '5m' }),
    getOrSet: (key, load) => cache.getOrSet(key, load, { ttl: '5m' }),
    getMany: (keys) => cache.getMany(keys),
    setMany: (entries) => cache.setMany(entries.map(({ key, value }) => ({ key, value, ttl: '5m' }))),
    tags: {
      setTagged: (key, value, tag) => cache.set(key, value, { ttl: '5m', tags: [tag] }),
      deleteTag: (tag) => cache.purge({ tags: [tag] }),
      get: (key) => cache.get(key),
    },
    grace: {
      setShort: (key, value) => cache.set(key, value, { ttl: 1, ...grace }),
      staleAfterMs: 50,
      getStale: (key, load) => cache.getOrSet(key, load, { ttl: '5m', ...grace }),
    },
  }
}

// ------------------------------------------------------------------------------------------ BentoCache

interface BentoLibrary {
  readonly BentoCache: new (options: { default: string; stores: Record<string, unknown> }) => BentoCache
  readonly bentostore: () => { useL1Layer(driver: unknown): unknown }
}

interface BentoCache {
  get(options: { key: string }): Promise<unknown>
  set(options: BentoOptions & { value: Value }): Promise<unknown>
  getOrSet(options: BentoOptions & { factory: Load }): Promise<unknown>
  deleteByTag(options: { tags: string[] }): Promise<unknown>
}

interface BentoOptions {
  readonly key: string
  readonly ttl: number
  readonly grace?: string
  readonly timeout?: number
  readonly tags?: string[]
}

async function bentoCache(load: Import): Promise<Contestant> {
  const { BentoCache, bentostore } = (await load('bentocache')) as BentoLibrary
  const { memoryDriver } = (await load('bentocache/drivers/memory')) as {
    memoryDriver: (options: { maxItems: number; serialize: boolean }) => unknown
  }
  const store = bentostore().useL1Layer(memoryDriver({ maxItems: MOST_ENTRIES, serialize: false }))
  const cache = new BentoCache({ default: 'memory', stores: { memory: store } })
  const grace = { grace: '1h', timeout: 0 }
  return {
    get: (key) => cache.get({ key }),
    set: (key, value) => cache.set({ key, value, ttl: TTL_MS }),
    getOrSet: (key, factory) => cache.getOrSet({ key, factory, ttl: TTL_MS }),
    tags: {
      setTagged: (key, value, tag) => cache.set({ key, value, ttl: TTL_MS, tags: [tag] }),
      deleteTag: (tag) => cache.deleteByTag({ tags: [tag] }),
      get: (key) => cache.get({ key }),
    },
    grace: {
      setShort: (key, value) => cache.set({ key, value, ttl: 1, ...grace }),
      staleAfterMs: 50,
      getStale: (key, factory) => cache.getOrSet({ key, factory, ttl: TTL_MS, ...grace }),
    },
  }
}

// ------------------------------------------------------------------------------------------ cacheable

interface CacheableLibrary {
  readonly Cacheable: new (options?: { tags: boolean }) => CacheableCache
}

interface CacheableCache {
  get(key: string): Promise<unknown>
  set(key: string, value: Value, options: number | { ttl: number; tags: string[] }): Promise<unknown>
  getOrSet(key: string, load: Load, options: { ttl: number }): Promise<unknown>
  getMany(keys: readonly string[]): Promise<unknown[]>
  setMany(entries: readonly (Entry & { ttl: number })[]): Promise<unknown>
  readonly tags: { invalidateTag(tag: string): Promise<unknown> }
}

async function cacheable(load: Import): Promise<Contestant> {
  const { Cacheable } = (await load('cacheable')) as CacheableLibrary
  const cache = new Cacheable()
  const tagged = new Cacheable({ tags: true }) // its look-ups are dearer, which the other rows need not bear
  return {
    get: (key) => cache.get(key),
    set: (key, value) => cache.set(key, value, TTL_MS),
    getOrSet: (key, loadValue) => cache.getOrSet(key, loadValue, { ttl: TTL_MS }),
    getMany: (keys) => cache.getMany(keys),
    setMany: (entries) => cache.setMany(entries.map(({ key, value }) => ({ key, value, ttl: TTL_MS }))),
    tags: {
      setTagged: (key, value, tag) => tagged.set(key, value, { ttl: TTL_MS, tags: [tag] }),
      deleteTag: (tag) => tagged.tags.invalidateTag(tag),
      get: (key) => tagged.get(key),
    },
  }
}

// ------------------------------------------------------------------------------------------ cache-manager

interface CacheManagerCache {
  get(key: string): Promise<unknown>
  set(key: string, value: Value, ttl: number): Promise<unknown>
  wrap(key: string, load: Load, ttl: number): Promise<unknown>
  mget(keys: readonly string[]): Promise<unknown[]>
  mset(entries: readonly (Entry & { ttl: number })[]): Promise<unknown>
}

async function cacheManager(load: Import): Promise<Contestant> {
  const { createCache } = (await load('cache-manager')) as { createCache: () => CacheManagerCache }
  const cache = createCache()
  return {
    get: (key) => cache.get(key),
    set: (key, value) => cache.set(key, value, TTL_MS),
    getOrSet: (key, loadValue) => cache.wrap(key, loadValue, TTL_MS),
    getMany: (keys) => cache.mget(keys),
    setMany: (entries) => cache.mset(entries.map(({ key, value }) => ({ key, value, ttl: TTL_MS }))),
  }
}

// ------------------------------------------------------------------------------------------ async-cache-dedupe

interface DedupeCache {
  define(name: string, options: { ttl: number; stale?: number }, load: () => Promise<Value>): void
  get(name: string, key: string): Promise<unknown>
  set(name: string, key: string, value: Value, ttl: number, references?: string[]): Promise<unknown>
  invalidateAll(references: string[]): Promise<unknown>
  /** The functions that were defined. */
  readonly values: (key: string) => Promise<unknown>
  readonly short: (key: string) => Promise<unknown>
}

async function asyncCacheDedupe(load: Import): Promise<Contestant> {
  const { createCache } = (await load('async-cache-dedupe')) as { createCache: (options: object) => DedupeCache }
  const create = (options: object) => createCache({ storage: { type: 'memory', options } })
  // It is told once what loads a value; the benchmark says so with every call.
  let current: Load = () => Promise.reject(new Error('nothing to load'))
  const cache = create({ size: MOST_ENTRIES })
  const tagged = create({ size: MOST_ENTRIES, invalidation: true })
  const ttl = TTL_MS / 1_000
  cache.define('values', { ttl }, () => current())
  cache.define('short', { ttl: 1, stale: 3_600 }, () => current())
  tagged.define('values', { ttl }, () => current())
  return {
    get: (key) => cache.get('values', key),
    set: (key, value) => cache.set('values', key, value, ttl),
    getOrSet(key, loadValue) {
      current = loadValue
      return cache.values(key)
    },
    tags: {
      setTagged: (key, value, tag) => tagged.set('values', key, value, ttl, [tag]),
      deleteTag: (tag) => tagged.invalidateAll([tag]),
      get: (key) => tagged.get('values', key),
    },
    grace: {
      setShort(key, value) {
        current = () => Promise.resolve(value)
        return cache.short(key)
      },
      staleAfterMs: 1_500, // it counts in seconds
      getStale(key, loadValue) {
        current = loadValue
        return cache.short(key)
      },
    },
  }
}

// ------------------------------------------------------------------------------------------ lru-cache

interface Lru {
  get(key: string): Value | undefined
  set(key: string, value: Value): unknown
}

/** No more than a map with a limit: what the others cannot go below. */
async function lruCache(load: Import): Promise<Contestant> {
  const { LRUCache } = (await load('lru-cache')) as { LRUCache: new (options: { max: number; ttl: number }) => Lru }
  const cache = new LRUCache({ max: MOST_ENTRIES, ttl: TTL_MS })
  const loaded = async (key: string, loadValue: Load) => {
    const value = await loadValue()
    cache.set(key, value)
    return value
  }
  return {
    get: (key) => cache.get(key),
    set: (key, value) => cache.set(key, value),
    getOrSet: async (key, loadValue) => cache.get(key) ?? loaded(key, loadValue),
    getMany: async (keys) => keys.map((key) => cache.get(key)),
    setMany: async (entries) => entries.forEach(({ key, value }) => cache.set(key, value)),
  }
}
