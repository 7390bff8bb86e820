/** The package's exports: everything documented in docs/library.md, and the types embedders may need to name. */
export { type HerdgateOptions, herdgate } from './library/plugin.ts'
export { createCache, type EmbedLimits as CacheLimits, type EmbedOptions } from './library/embed.ts'
export type { Cache } from './cache/create-cache.ts'
export type { Targets } from './cache/targets.ts'
export type { GetOrSetOptions } from './cache/values/loading.ts'
export type { Values } from './cache/values/values.ts'
export type { Load, LoadControls } from './cache/values/question.ts'
export type { Namespace } from './cache/values/namespace.ts'
export type { Duration, ValueOptions, ValueToSet } from './cache/values/options.ts'
export type { Statistics } from './cache/statistics.ts'
export {
  type EventPayloads,
  Events,
  type EvictionReason,
  type LogEvent,
  type OriginEvent,
  type RequestEvent,
  type StoreEvent,
} from './events.ts'

// Stores, logs and leases.
export { type MemoryStore, type MemoryStoreOptions, memoryStore } from './stores/memory/store.ts'
export { type DiskStoreOptions, diskStore } from './stores/disk/store.ts'
export { type RedisStoreOptions, redisStore } from './stores/redis/store.ts'
export { tiered } from './stores/tiered.ts'
export { type LocalLogOptions, localLog } from './stores/memory/log.ts'
export { type DiskLogOptions, diskLog } from './stores/disk/log.ts'
export { type RedisLog, type RedisLogOptions, redisLog } from './stores/redis/log.ts'
export { type RedisLeasesOptions, redisLeases } from './stores/redis/leases.ts'
export type { RedisClient, RedisConnectionOptions } from './stores/redis/connection.ts'

// For `handle`: requests, replies, routes and origins.
export type { Reply } from './cache/http/reply.ts'
export type { ExplainedEntry, Explanation } from './cache/http/explain.ts'
export type { Hits } from './cache/http/hit.ts'
export { createOrigin, defaultRules, type HttpOrigin, type OriginOptions } from './library/http.ts'
export type {
  CacheRequest,
  Detail,
  ForwardReason,
  KeyRules,
  Outcome,
  Peer,
  Pressure,
  Result,
  Route,
  RouteMatch,
  Rules,
  Signal,
} from './model.ts'

// For writing your own store, log or leases.
export { Body, type BodyReader } from './body.ts'
export { type ErrorCode, type ErrorSource, HerdgateError } from './errors.ts'
export type { Fields } from './fields.ts'
export type {
  Anew,
  Awaitable,
  ByteRange,
  Clock,
  Content,
  FetchEnding,
  FetchLeases,
  InvalidationLog,
  InvalidationMode,
  Kept,
  Lease,
  LeaseAnswer,
  LogNode,
  Origin,
  OriginRequest,
  OriginResponse,
  PartialContent,
  Peeked,
  Receipt,
  Selectors,
  Sharing,
  Stamp,
  Store,
  Stored,
  StoredResponse,
  StoredValue,
  Tier,
  TierUsage,
  Unshareable,
  Varies,
  Verdict,
  Write,
  Written,
} from './model.ts'
