/** Defaults of the settings, in flags and files as in the library. Times in ms, sizes in bytes. */
import type { Rules } from '../model.ts'

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
  webSockets: true,
  maxObjectBytes: 8 * 2 ** 20,
  via: 'herdgate',
}

/** How an origin is reached. */
export const DEFAULT_TRANSPORT = {
  connectTimeout: 2_000,
  headersTimeout: 30_000,
  bodyTimeout: 30_000,
  totalTimeout: 6 * 3_600_000,
  maxConcurrency: 1_024,
}

export const DEFAULT_MEMORY_BYTES: number = 256 * 2 ** 20
export const DEFAULT_DISK_BYTES: number = 10 * 2 ** 30
/** Octets that may wait to be written to the disk. */
export const DEFAULT_WAITING_BYTES: number = 64 * 2 ** 20

export const DEFAULT_REDIS = { prefix: 'herdgate', deadline: 50, maxObjectBytes: 2 ** 20 }

/** How long a node may go without contact with the invalidation log before its copies must be revalidated. */
export const DEFAULT_LEASE = 5_000

/** What one client, and all of them together, may occupy. */
export interface Limits {
  /** Client connections at once; further ones are closed as they arrive. */
  readonly maxConnections: number
  /** Largest request head. */
  readonly headBytes: number
  /** Time to receive a request head, from its first octet, or from the start of the connection. */
  readonly headTimeout: number
  /** Between two requests of a connection. */
  readonly idleTimeout: number
  /** Octets of content per second that a client must send or read while it is not being kept waiting. */
  readonly minRate: number
  /** Time over which `minRate` is measured. */
  readonly minRateWindow: number
  /** Requests that wait for origins at once. */
  readonly maxWaiting: number
  /** Memory for content being received for storage. */
  readonly maxBodiesInProgress: number
}

export const DEFAULT_LIMITS: Limits = {
  maxConnections: 10_000,
  headBytes: 16 * 2 ** 10,
  headTimeout: 10_000,
  idleTimeout: 65_000, // longer than common load balancers have, so that they close first
  minRate: 2 ** 10,
  minRateWindow: 60_000,
  maxWaiting: 10_000,
  maxBodiesInProgress: 256 * 2 ** 20,
}
