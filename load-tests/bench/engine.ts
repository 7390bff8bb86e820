/**
 * The cost of `getOrSet` for a hit in memory, in nanoseconds, compared with an awaited `lru-cache` hit. Imports the
 * package by its name, as an embedder does, so it must have been built. Prints JSON.
 */
import { parseArgs } from 'node:util'
import { LRUCache } from 'lru-cache'

interface EngineReport {
  readonly getOrSet: number[]
  readonly lruCache: number[]
}

/** The part of the library measured here; its types do not exist before the build. */
interface Library {
  readonly memoryStore: (options: { maxBytes: string }) => unknown
  readonly createCache: (options: { store: unknown }) => {
    getOrSet(key: string, load: () => Promise<unknown>, options: { ttl: string }): Promise<unknown>
    close(): Promise<void>
  }
}

const KEYS = Array.from({ length: 1_000 }, (_, index) => `user:${index}`)
const PASSES = 300
const PACKAGE: string = 'herdgate'

async function measure(rounds: number): Promise<EngineReport> {
  const { createCache, memoryStore }: Library = await import(PACKAGE)
  const cache = createCache({ store: memoryStore({ maxBytes: '256MiB' }) })
  const lru = new LRUCache<string, object>({ max: 10_000 })
  for (const key of KEYS) lru.set(key, { key })
  let loads = 0
  const load = async (): Promise<object> => ({ load: (loads += 1) })

  const throughCache = (key: string) => cache.getOrSet(key, load, { ttl: '5m' })
  const throughLru = async (key: string) => lru.get(key)
  await nanosecondsPerCall(throughCache)
  await nanosecondsPerCall(throughLru)

  const report: EngineReport = { getOrSet: [], lruCache: [] }
  for (let round = 0; round < rounds; round += 1) {
    report.getOrSet.push(await nanosecondsPerCall(throughCache))
    report.lruCache.push(await nanosecondsPerCall(throughLru))
  }
  await cache.close()
  if (loads !== KEYS.length) throw new Error(`${loads} loads of ${KEYS.length} keys: these were no hits`)
  return report
}

async function nanosecondsPerCall(call: (key: string) => Promise<unknown>): Promise<number> {
  const began = process.hrtime.bigint()
  for (let pass = 0; pass < PASSES; pass += 1) {
    for (const key of KEYS) if ((await call(key)) === undefined) throw new Error(`nothing under ${key}`)
  }
  return Number(process.hrtime.bigint() - began) / (PASSES * KEYS.length)
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '7' } } })
console.log(JSON.stringify(await measure(Number(values.rounds))))
