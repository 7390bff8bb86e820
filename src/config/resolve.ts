/** Merges valid sources. */
import type { Config, OriginConfig, StoreConfig } from './resolved.ts'
import {
  DEFAULT_DISK_BYTES,
  DEFAULT_LEASE,
  DEFAULT_LIMITS,
  DEFAULT_REDIS,
  DEFAULT_RULES,
  DEFAULT_TRANSPORT,
} from './defaults.ts'
import { type Capacity, connectionsOf, memoryShares, workersOf } from './memory-shares.ts'
import { routesOf } from './routes.ts'
import type { FileConfig } from './schema.ts'
import type { Settings } from './settings.ts'
import { DEFAULT_NAME, listeners, type Sources } from './sources.ts'

type FileOrigin = NonNullable<FileConfig['origins']>[string]

export function resolve(sources: Sources, file: FileConfig | undefined, capacity: Capacity = {}): Config {
  const settings: Settings = { ...sources.env.settings, ...sources.flags.settings }
  const { host, port, adminHost, adminPort } = listeners(sources)
  const origins = originsOf(settings, file)
  const workers = settings.workers ?? file?.workers ?? 1
  const count = workersOf(workers, capacity)
  const shares = memoryShares(capacity, count)
  const maxBytes = settings.memory ?? file?.store?.memory?.maxBytes ?? shares.store
  const maxObjectBytes = Math.min(file?.store?.memory?.maxObjectBytes ?? DEFAULT_RULES.maxObjectBytes, maxBytes)
  const via = file?.listen?.via ?? DEFAULT_RULES.via
  return {
    listen: {
      host,
      port,
      trustProxy: file?.listen?.trustProxy ?? [],
      drainDelay: file?.listen?.drainDelay ?? 0,
      via,
    },
    admin: {
      host: adminHost,
      port: adminPort,
      token: settings.adminToken ?? file?.admin?.token,
      tokens: file?.admin?.tokens ?? [],
    },
    workers,
    origins,
    routes: routesOf(settings, file?.routes ?? [], origins, { maxObjectBytes, via }),
    store: {
      memory: { maxBytes, maxObjectBytes, admission: file?.store?.memory?.admission ?? 'on' },
      disk: diskOf(settings, file?.store?.disk),
      redis: redisOf(settings, file?.store?.redis),
    },
    lane: file?.lane !== 'off',
    lease: file?.coherence.lease ?? DEFAULT_LEASE,
    limits: {
      ...DEFAULT_LIMITS,
      ...file?.limits,
      maxConnections: file?.limits.maxConnections ?? connectionsOf(capacity, count),
      maxBodiesInProgress: file?.limits.maxBodiesInProgress ?? shares.bodies,
    },
    logLevel: settings.logLevel ?? 'info',
    chaos: file?.chaos,
  }
}

type FileStore = NonNullable<FileConfig['store']>

function diskOf(settings: Settings, file: FileStore['disk']): StoreConfig['disk'] {
  const path = settings.disk ?? file?.path
  return path === undefined ? undefined : { path, maxBytes: settings.diskSize ?? file?.maxBytes ?? DEFAULT_DISK_BYTES }
}

function redisOf(settings: Settings, file: FileStore['redis']): StoreConfig['redis'] {
  const url = settings.redis ?? file?.url
  if (url === undefined) return undefined
  const prefix = settings.redisPrefix ?? file?.prefix ?? DEFAULT_REDIS.prefix
  const { deadline, maxObjectBytes } = file ?? DEFAULT_REDIS
  return { url, prefix, deadline, maxObjectBytes, secret: file?.secret }
}

/** URLs from flags or environment make the pool `default`, with any other settings that the file has for it. */
function originsOf(settings: Settings, file: FileConfig | undefined): OriginConfig[] {
  const origins = new Map<string, FileOrigin>(Object.entries(file?.origins ?? {}))
  if (settings.origin !== undefined) {
    origins.set(DEFAULT_NAME, { ...DEFAULT_TRANSPORT, ...origins.get(DEFAULT_NAME), urls: settings.origin })
  }
  return [...origins].map(([name, origin]) => ({ name, ...origin }))
}
