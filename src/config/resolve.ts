/** Valid sources put together: what the server is built from, and what the operator should know about it. */
import type { ChaosConfig } from '../chaos/create-chaos.ts'
import {
  DEFAULT_DISK_BYTES,
  DEFAULT_LEASE,
  DEFAULT_LIMITS,
  DEFAULT_REDIS,
  DEFAULT_RULES,
  DEFAULT_TRANSPORT,
  type Limits,
} from './defaults.ts'
import type { RouteMatch, Rules } from '../model.ts'
import type { OriginOptions } from '../origin/pool-origin.ts'
import type { LOG_LEVELS } from './leaves.ts'
import { type MemoryLimits, memoryShares } from './memory-shares.ts'
import type { FileConfig } from './schema.ts'
import type { Settings } from './settings.ts'
import { DEFAULT_NAME, listeners, type Sources } from './sources.ts'

/** All times are milliseconds, all sizes bytes. */
export interface Config {
  readonly listen: {
    readonly host: string
    /** 0: any free one. */
    readonly port: number
    /** CIDR blocks, such as `10.0.0.0/8` or `::1/128`. */
    readonly trustProxy: readonly string[]
    /** How long requests are still taken once the node is to end. */
    readonly drainDelay: number
  }
  readonly admin: {
    readonly host: string
    readonly port: number
    /** Undefined only on a loopback host: the caller makes one up. */
    readonly token: string | undefined
  }
  /** Processes that share the data port; `auto`: as many as the machine runs at once. 1: this one alone. */
  readonly workers: number | 'auto'
  /** At least one; names are unique. */
  readonly origins: readonly OriginConfig[]
  /** At least one, the first match wins; names are unique. */
  readonly routes: readonly RouteConfig[]
  readonly store: StoreConfig
  /** Plain requests for fresh copies are answered straight at the socket. */
  readonly lane: boolean
  /** How long a node may go without hearing of purges. */
  readonly lease: number
  readonly limits: Limits
  readonly logLevel: LogLevel
  /** Faults on purpose; undefined: none. */
  readonly chaos: ChaosConfig | undefined
}

export interface StoreConfig {
  readonly memory: { readonly maxBytes: number; readonly maxObjectBytes: number; readonly admission: 'on' | 'off' }
  readonly disk?: { readonly path: string; readonly maxBytes: number } | undefined
  readonly redis?:
    | {
        readonly url: string
        readonly prefix: string
        readonly deadline: number
        readonly maxObjectBytes: number
        readonly secret: string | undefined
      }
    | undefined
}

/** Its URLs are http or https, without a trailing slash. */
export type OriginConfig = Omit<OriginOptions, 'ca'>

export interface RouteConfig {
  readonly name: string
  readonly match: RouteMatch
  /** Name of one of the origins. */
  readonly origin: string
  readonly rules: Rules
}

export type LogLevel = (typeof LOG_LEVELS)[number]

const SHORT_TOKEN = 16

type FileOrigin = NonNullable<FileConfig['origins']>[string]
type FileRoute = NonNullable<FileConfig['routes']>[number]

export function resolve(sources: Sources, file: FileConfig | undefined, memory: MemoryLimits = {}): Config {
  const settings: Settings = { ...sources.env.settings, ...sources.flags.settings }
  const { host, port, adminHost, adminPort } = listeners(sources)
  const origins = originsOf(settings, file)
  const shares = memoryShares(memory)
  const maxBytes = settings.memory ?? file?.store?.memory?.maxBytes ?? shares.store
  const maxObjectBytes = Math.min(file?.store?.memory?.maxObjectBytes ?? DEFAULT_RULES.maxObjectBytes, maxBytes)
  const rulesOf = (route: FileRoute | undefined) => rules(route, settings, maxObjectBytes)
  return {
    listen: {
      host,
      port,
      trustProxy: file?.listen?.trustProxy ?? [],
      drainDelay: file?.listen?.drainDelay ?? 0,
    },
    admin: { host: adminHost, port: adminPort, token: settings.adminToken ?? file?.admin?.token },
    workers: settings.workers ?? file?.workers ?? 1,
    origins,
    routes: routesOf(settings, file?.routes ?? [], origins, rulesOf),
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
      maxBodiesInProgress: file?.limits.maxBodiesInProgress ?? shares.bodies,
    },
    logLevel: settings.logLevel ?? 'info',
    chaos: file?.chaos,
  }
}

// ---------------------------------------------------------------------------------------------------- stores

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

// --------------------------------------------------------------------------------------------------- origins

/** URLs of flags or environment are the pool `default`, with the other settings the file may have for it. */
function originsOf(settings: Settings, file: FileConfig | undefined): OriginConfig[] {
  const origins = new Map<string, FileOrigin>(Object.entries(file?.origins ?? {}))
  if (settings.origin !== undefined) {
    origins.set(DEFAULT_NAME, { ...DEFAULT_TRANSPORT, ...origins.get(DEFAULT_NAME), urls: settings.origin })
  }
  return [...origins].map(([name, origin]) => ({ name, ...origin }))
}

// ---------------------------------------------------------------------------------------------------- routes

/** With one origin a catch-all for it comes last; without routes, the origins of flags or environment get one. */
function routesOf(
  settings: Settings,
  routes: readonly FileRoute[],
  origins: readonly OriginConfig[],
  rulesOf: (route: FileRoute | undefined) => Rules,
): RouteConfig[] {
  const given = routes.map((route) => ({
    name: route.name,
    match: matchOf(route),
    origin: route.origin,
    rules: rulesOf(route),
  }))
  const [only, ...others] = origins.map(({ name }) => name)
  const target = others.length === 0 ? only : undefined
  const implied = target ?? (routes.length === 0 && settings.origin !== undefined ? DEFAULT_NAME : undefined)
  if (implied === undefined || given.some(isCatchAll)) return given
  const name = freeName(given.map((route) => route.name))
  return [...given, { name, match: {}, origin: implied, rules: rulesOf(undefined) }]
}

function freeName(taken: readonly string[]): string {
  let name = DEFAULT_NAME
  for (let next = 2; taken.includes(name); next++) name = `${DEFAULT_NAME}-${next}`
  return name
}

/** Without the members that are absent. */
const matchOf = ({ match: { host, path, methods } }: FileRoute): RouteMatch => ({
  ...(host !== undefined && { host }),
  ...(path !== undefined && { path }),
  ...(methods !== undefined && { methods }),
})

const isCatchAll = ({ match }: Pick<RouteConfig, 'match'>): boolean =>
  match.host === undefined && match.methods === undefined && (match.path === undefined || match.path === '/*')

function rules(route: FileRoute | undefined, settings: Settings, maxObjectBytes: number): Rules {
  const { grace, cookies } = DEFAULT_RULES
  const ofSettings = {
    ...DEFAULT_RULES,
    maxObjectBytes,
    ttl: settings.ttl,
    grace: settings.grace ?? grace,
    softTimeout: settings.softTimeout,
    cookies: settings.cookies ?? cookies,
  }
  if (route === undefined) return ofSettings
  return {
    ttl: route.ttl ?? ofSettings.ttl,
    override: route.override,
    grace: route.grace ?? ofSettings.grace,
    softTimeout: route.softTimeout ?? ofSettings.softTimeout,
    refreshAhead: route.refreshAhead,
    cookies: route.cookies ?? ofSettings.cookies,
    errorTtlMax: route.errorTtlMax,
    tags: route.tags,
    key: {
      sortQuery: route.key.query.sort,
      ignoreQuery: route.key.query.ignore,
      headers: route.key.headers,
      cookies: route.key.cookies,
    },
    statusTtl: new Map(Object.entries(route.statusTtl).map(([status, ttl]) => [Number(status), ttl])),
    bypass: route.bypass,
    maxObjectBytes,
  }
}

// ----------------------------------------------------------------------------------------------------- notes

/** What is allowed but probably not meant. */
export function notesOn(config: Config, file: FileConfig | undefined, memory: MemoryLimits = {}): string[] {
  return [
    ...tokenNotes(config),
    ...proxyNotes(config),
    ...routeNotes(config),
    ...storeNotes(config, file),
    ...memoryNotes(config, memory),
    ...chaosNotes(config),
  ]
}

function tokenNotes({ admin: { token } }: Config): string[] {
  if (token === undefined || token.length >= SHORT_TOKEN) return []
  return [`the admin token is shorter than ${SHORT_TOKEN} characters: it can be guessed`]
}

const proxyNotes = ({ listen: { trustProxy } }: Config): string[] =>
  trustProxy
    .filter((network) => network.endsWith('/0'))
    .map((network) => `listen.trustProxy has ${network}: any client can claim any address, host and scheme`)

function routeNotes({ routes, origins }: Config): string[] {
  const catchAll = routes.findIndex(isCatchAll)
  const hidden = catchAll === -1 ? [] : routes.slice(catchAll + 1)
  const idle = origins.filter(({ name }) => !routes.some(({ origin }) => origin === name))
  return [
    ...hidden.map(
      ({ name }) => `route ${name} is never reached: ${routes[catchAll]?.name} before it matches everything`,
    ),
    ...idle.map(({ name }) => `origin ${name} is used by no route`),
  ]
}

function storeNotes({ store: { memory } }: Config, file: FileConfig | undefined): string[] {
  const wanted = file?.store?.memory?.maxObjectBytes
  if (wanted === undefined || wanted <= memory.maxBytes) return []
  return [`store.memory.maxObjectBytes is more than the memory there is: ${memory.maxBytes} bytes is the limit`]
}

function memoryNotes({ store, limits }: Config, { container, heap }: MemoryLimits): string[] {
  const { maxBytes } = store.memory
  const notes: string[] = []
  if (container !== undefined) {
    const [all, kept, arriving] = [container, maxBytes, limits.maxBodiesInProgress].map(inMebibytes)
    notes.push(`of the container's ${all} the store may take ${kept}, bodies in progress ${arriving}`)
  }
  if (heap !== undefined && maxBytes > heap / 2) {
    const [kept, most] = [maxBytes, heap].map(inMebibytes)
    notes.push(
      `store.memory.maxBytes is ${kept}, the heap ${most}: with small bodies it may be full before the store is, and misses get 503; see --max-old-space-size`,
    )
  }
  return notes
}

const inMebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`

const chaosNotes = ({ chaos }: Config): string[] =>
  chaos === undefined ? [] : ['chaos is on: faults are made on purpose; not for production']
