/** The cache as an embedder makes it: every part has a default fit for one process. */
import { type Cache, type CacheOptions, createCache as assemble } from '../cache/create-cache.ts'
import { DEFAULT_MEMORY_BYTES } from '../config/defaults.ts'
import { Events } from '../events.ts'
import { localLog } from '../stores/memory/log.ts'
import { memoryStore } from '../stores/memory/store.ts'
import { estimateBytes } from '../stores/memory/size.ts'

export type { Cache }

export type EmbedOptions = Partial<CacheOptions>

/** A cache for values (`getOrSet`) and, where `routes` are given, for HTTP (`handle`). */
export function createCache(options: EmbedOptions = {}): Cache {
  const events = options.events ?? new Events()
  return assemble({
    ...options,
    events,
    store: options.store ?? memoryStore({ maxBytes: DEFAULT_MEMORY_BYTES, events }),
    log: options.log ?? localLog(),
    sizeOf: options.sizeOf ?? estimateBytes,
  })
}
