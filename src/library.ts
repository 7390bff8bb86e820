/** What Herdgate is made of, for those who build on it: routes/ uses nothing else. The package adds the Fastify plugin. */
export { Body, type BodyReader } from './body.ts'
export type { Cache, CacheOptions } from './cache/create-cache.ts'
export type { Targets } from './cache/purging.ts'
export type { Explanation } from './cache/http/explain.ts'
export type { GetOrSetOptions, Values } from './cache/values/get-or-set.ts'
export type { Duration, ValueOptions } from './cache/values/options.ts'
export type { Load, LoadControls } from './cache/values/question.ts'
export { problem, type Reply } from './cache/http/reply.ts'
export type { Namespace } from './cache/values/namespace.ts'
export type { Statistics } from './cache/statistics.ts'
export { createCache, type EmbedOptions } from './library/embed.ts'
export { asHerdgateError, type ErrorCode, HerdgateError } from './errors.ts'
export { type EventPayloads, Events, type LogEvent, type OriginEvent, type RequestEvent } from './events.ts'
export { type Fields, field, fieldLines, fieldsOf, lines } from './fields.ts'
export type {
  CacheRequest,
  Clock,
  FetchEnding,
  FetchLeases,
  InvalidationLog,
  Origin,
  OriginRequest,
  OriginResponse,
  Outcome,
  Peer,
  Receipt,
  Route,
  RouteMatch,
  Rules,
  Selectors,
  Sharing,
  Store,
  Stored,
  TierUsage,
  Written,
} from './model.ts'
export { clientAddress } from './policy/forwarded.ts'
export { readHead } from './policy/head.ts'
export { type DiskLogOptions, diskLog } from './stores/disk/log.ts'
export { type DiskStoreOptions, diskStore } from './stores/disk/store.ts'
export { type LocalLogOptions, localLog } from './stores/memory/log.ts'
export { type MemoryStoreOptions, memoryStore } from './stores/memory/store.ts'
export { type RedisLeasesOptions, redisLeases } from './stores/redis/leases.ts'
export { type RedisLog, type RedisLogOptions, redisLog } from './stores/redis/log.ts'
export { type RedisStoreOptions, redisStore } from './stores/redis/store.ts'
export { tiered } from './stores/tiered.ts'
export { createOrigin, type OriginOptions, type PoolOrigin } from './origin/pool-origin.ts'
export { localAuthority, schemeOf } from './ports/peers.ts'
export { namedBy, readUrl } from './policy/absolute-url.ts'
