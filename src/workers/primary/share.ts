import type { Config } from '../../config.ts'
import { neededByOne } from '../../config/memory-shares.ts'

/**
 * The configuration of one of several workers, with its part of the limits of memory, clients and origins, which are
 * configured for all together. Without disk and Redis half of the memory is shared: it stays with the primary.
 */
export function shareOf(config: Config, workers: number): Config {
  const { store, limits } = config
  const part = partOf(workers)
  return {
    ...config,
    origins: originsOf(config, workers),
    store: { ...store, memory: { ...store.memory, maxBytes: part(store.memory.maxBytes - sharedBytes(config)) } },
    limits: {
      ...limits,
      maxConnections: part(limits.maxConnections),
      maxWaiting: part(limits.maxWaiting),
      maxBodiesInProgress: part(limits.maxBodiesInProgress),
    },
  }
}

/**
 * Each process's part of the container's memory, from 0 to 1, by what it may hold. The primary may hold as much of the
 * store as all workers together.
 */
export function containerShares(
  config: Config,
  workers: number,
): { readonly primary: number; readonly worker: number } {
  const { store, limits } = shareOf(config, workers)
  const primary = neededByOne({ store: sharedBytes(config), bodies: 0 })
  const worker = neededByOne({ store: store.memory.maxBytes, bodies: limits.maxBodiesInProgress })
  const whole = primary + workers * worker
  return { primary: primary / whole, worker: worker / whole }
}

/** Origins with one worker's part of their concurrency. */
export function originsOf({ origins }: Pick<Config, 'origins'>, workers: number): Config['origins'] {
  const part = partOf(workers)
  return origins.map((origin) => ({ ...origin, maxConcurrency: part(origin.maxConcurrency) }))
}

/** Rounded down, so that the parts together are not more than the whole; but at least 1. */
const partOf = (workers: number) => (whole: number) => Math.max(1, Math.floor(whole / workers))

/** Memory that the primary keeps for all, in bytes. */
export function sharedBytes({ store }: Pick<Config, 'store'>): number {
  return store.disk === undefined && store.redis === undefined ? Math.ceil(store.memory.maxBytes / 2) : 0
}
