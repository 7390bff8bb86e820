/** What holds where nothing is said, in flags and files as in the library. Times in ms, sizes in bytes. */
import type { Rules } from './model.ts'

export const DEFAULT_RULES: Rules = {
  ttl: undefined,
  override: false,
  grace: 3_600_000,
  softTimeout: undefined,
  refreshAhead: undefined,
  cookies: 'safe',
  errorTtlMax: 30_000,
  tags: [],
  key: { sortQuery: false, ignoreQuery: [], headers: [], cookies: [] },
  statusTtl: new Map(),
  bypass: false,
  maxObjectBytes: 8 * 2 ** 20,
}

/** How an origin is reached. */
export const DEFAULT_TRANSPORT = {
  connectTimeout: 2_000,
  headersTimeout: 30_000,
  bodyTimeout: 30_000,
  maxConcurrency: 1_024,
}

export const DEFAULT_MEMORY_BYTES: number = 256 * 2 ** 20
