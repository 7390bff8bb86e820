import type { Config } from '../config.ts'

/**
 * The configuration of one of several workers: limits of memory, clients and origins are those of all of them together.
 * Where neither disk nor Redis is shared, half of the memory is: it stays with the primary.
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

/** Origins as one of several workers asks them. */
export function originsOf({ origins }: Pick<Config, 'origins'>, workers: number): Config['origins'] {
  const part = partOf(workers)
  return origins.map((origin) => ({ ...origin, maxConcurrency: part(origin.maxConcurrency) }))
}

/** Rounded down: all parts together are not more than the whole, where that has one for each. */
const partOf = (workers: number) => (whole: number) => Math.max(1, Math.floor(whole / workers))

/** Memory that the primary keeps for all, in bytes. */
export function sharedBytes({ store }: Pick<Config, 'store'>): number {
  return store.disk === undefined && store.redis === undefined ? Math.ceil(store.memory.maxBytes / 2) : 0
}
