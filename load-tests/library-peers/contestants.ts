/** The libraries, each as fast as its documentation allows: values by reference if possible, no second tier. */
import { type Contestant, type Entry, type Load, type Room, TTL_MS, type Value } from './contestant.ts'

/** Imports a package from where it is installed. */
export type Import = (name: string) => Promise<unknown>

/** By name, Herdgate first. */
export const CONTESTANTS: Readonly<Record<string, (load: Import, room: Room) => Promise<Contestant>>> = {
  Herdgate: herdgate,
  BentoCache: bentoCache,
  cacheable,
  'cache-manager': cacheManager,
  'async-cache-dedupe': asyncCacheDedupe,
  'lru-cache': lruCache,
}

/** Those that are not dependencies of the project, with pinned versions. */
export const INSTALLED = ['bentocache@1.6.1', 'cacheable@2.5.0', 'cache-manager@7.2.9', 'async-cache-dedupe@3.4.0']

// ------------------------------------------------------------------------------------------ Herdgate

/** The part of the library measured here; its types do not exist before the build. */
interface HerdgateLibrary {
  readonly memoryStore: (options: { maxBytes: number }) => unknown
  readonly createCache: (options: { store: unknown; defaults: HerdgateOptions }) => HerdgateCache
}

interface HerdgateOptions {
  readonly ttl?: string | number
  readonly grace?: string
  readonly softTimeout?: number
  readonly tags?: readonly string[]
}

interface HerdgateCache {
  get(key: string): Promise<unknown>
  set(key: string, value: Value, options?: HerdgateOptions): Promise<void>
  getOrSet(key: string, load: Load, options?: HerdgateOptions): Promise<unknown>
  getMany(keys: readonly string[]): Promise<unknown[]>
  setMany(entries: readonly (Entry & HerdgateOptions)[]): Promise<void>
  purge(targets: { tags: readonly string[] }): Promise<unknown>
}

async function herdgate(_load: Import, { bytes: maxBytes }: Room): Promise<Contestant> {
  const name: string = 'herdgate'
  const { createCache, memoryStore }: HerdgateLibrary = await import(name)
  const cache = createCache({ store: memoryStore({ maxBytes }), defaults: { ttl: '5m' } })
  const grace = { grace: '1h', softTimeout: 0 }
  return {
    get: (key) => cache.get(key),
    set: (key, value) => cache.set(key, value),
    getOrSet: (key, load) => cache.getOrSet(key, load),
    getMany: (keys) => cache.getMany(keys),
    setMany: (entries) => cache.setMany(entries),
    tags: {
      setTagged: (key, value, tag) => cache.set(key, value, { tags: [tag] }),
      deleteTag: (tag) => cache.purge({ tags: [tag] }),
      get: (key) => cache.get(key),
    },
    grace: {
      setShort: (key, value) => cache.set(key, value, { ttl: 1, ...grace }),
      staleAfterMs: 50,
      getStale: (key, load) => cache.getOrSet(key, load, grace),
    },
  }
}

// ------------------------------------------------------------------------------------------ BentoCache

interface BentoLibrary {
  readonly BentoCache: new (options: { default: string; ttl: number; stores: Record<string, unknown> }) => BentoCache
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
  readonly ttl?: number
  readonly grace?: string
  readonly timeout?: number
  readonly tags?: string[]
}

async function bentoCache(load: Import, { entries: maxItems }: Room): Promise<Contestant> {
  const { BentoCache, bentostore } = (await load('bentocache')) as BentoLibrary
  const { memoryDriver } = (await load('bentocache/drivers/memory')) as {
    memoryDriver: (options: { maxItems: number; serialize: boolean }) => unknown
  }
  const store = bentostore().useL1Layer(memoryDriver({ maxItems, serialize: false }))
  const cache = new BentoCache({ default: 'memory', ttl: TTL_MS, stores: { memory: store } })
  const grace = { grace: '1h', timeout: 0 }
  return {
    get: (key) => cache.get({ key }),
    set: (key, value) => cache.set({ key, value }),
    getOrSet: (key, factory) => cache.getOrSet({ key, factory }),
    tags: {
      setTagged: (key, value, tag) => cache.set({ key, value, tags: [tag] }),
      deleteTag: (tag) => cache.deleteByTag({ tags: [tag] }),
      get: (key) => cache.get({ key }),
    },
    grace: {
      setShort: (key, value) => cache.set({ key, value, ttl: 1, ...grace }),
      staleAfterMs: 50,
      getStale: (key, factory) => cache.getOrSet({ key, factory, ...grace }),
    },
  }
}

// ------------------------------------------------------------------------------------------ cacheable

interface CacheableLibrary {
  readonly Cacheable: new (options: { primary: unknown; ttl: number; tags?: boolean }) => CacheableCache
  readonly createKeyv: (options: { useClone: boolean }) => unknown
}

interface CacheableCache {
  get(key: string): Promise<unknown>
  set(key: string, value: Value, options?: { tags: string[] }): Promise<unknown>
  getOrSet(key: string, load: Load): Promise<unknown>
  getMany(keys: readonly string[]): Promise<unknown[]>
  setMany(entries: readonly Entry[]): Promise<unknown>
  readonly tags: { invalidateTag(tag: string): Promise<unknown> }
}

async function cacheable(load: Import): Promise<Contestant> {
  const { Cacheable, createKeyv } = (await load('cacheable')) as CacheableLibrary
  const options = () => ({ primary: createKeyv({ useClone: false }), ttl: TTL_MS })
  const cache = new Cacheable(options())
  const tagged = new Cacheable({ ...options(), tags: true }) // separate, as tags make look-ups more expensive
  return {
    get: (key) => cache.get(key),
    set: (key, value) => cache.set(key, value),
    getOrSet: (key, loadValue) => cache.getOrSet(key, loadValue),
    getMany: (keys) => cache.getMany(keys),
    setMany: (entries) => cache.setMany(entries),
    tags: {
      setTagged: (key, value, tag) => tagged.set(key, value, { tags: [tag] }),
      deleteTag: (tag) => tagged.tags.invalidateTag(tag),
      get: (key) => tagged.get(key),
    },
  }
}

// ------------------------------------------------------------------------------------------ cache-manager

interface CacheManagerCache {
  get(key: string): Promise<unknown>
  set(key: string, value: Value): Promise<unknown>
  wrap(key: string, load: Load): Promise<unknown>
  mget(keys: readonly string[]): Promise<unknown[]>
  mset(entries: readonly Entry[]): Promise<unknown>
}

async function cacheManager(load: Import): Promise<Contestant> {
  const { createCache } = (await load('cache-manager')) as {
    createCache: (options: { ttl: number }) => CacheManagerCache
  }
  const cache = createCache({ ttl: TTL_MS })
  return {
    get: (key) => cache.get(key),
    set: (key, value) => cache.set(key, value),
    getOrSet: (key, loadValue) => cache.wrap(key, loadValue),
    getMany: (keys) => cache.mget(keys),
    setMany: (entries) => cache.mset(entries),
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

async function asyncCacheDedupe(load: Import, { entries: size }: Room): Promise<Contestant> {
  const { createCache } = (await load('async-cache-dedupe')) as { createCache: (options: object) => DedupeCache }
  const create = (options: object) => createCache({ storage: { type: 'memory', options } })
  // Its loader is defined once; the benchmark gives one with every call.
  let current: Load = () => Promise.reject(new Error('nothing to load'))
  const cache = create({ size })
  const tagged = create({ size, invalidation: true })
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
      staleAfterMs: 1_500, // its ttl is in seconds
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

/** No more than a map with a limit: the floor for the others. */
async function lruCache(load: Import, { entries: max }: Room): Promise<Contestant> {
  const { LRUCache } = (await load('lru-cache')) as { LRUCache: new (options: { max: number; ttl: number }) => Lru }
  const cache = new LRUCache({ max, ttl: TTL_MS })
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
