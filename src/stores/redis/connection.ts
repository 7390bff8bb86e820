/** Connections to Redis that fail rather than wait: what is asked while there is none is refused at once. */
import { createRequire } from 'node:module'
import type { Cluster, Redis, RedisOptions } from 'ioredis'
import { parseRedisUrl, type RedisTarget } from './url.ts'

export type RedisClient = Redis | Cluster

/** Only where there is a Redis to connect with: the package takes a tenth of the time to start. */
const ioredis = (): typeof import('ioredis') => createRequire(import.meta.url)('ioredis')

export interface RedisConnectionOptions {
  /** Shown by CLIENT LIST. */
  readonly name?: string | undefined
  /** A command without an answer fails after this; undefined: the one who asks stops waiting. In milliseconds. */
  readonly commandTimeoutMs?: number | undefined
  /**
   * A connection on which an answer is due and nothing arrives for this long is given up, and made anew. Longer than
   * any blocking command, and than anybody waits. In milliseconds.
   */
  readonly socketTimeoutMs?: number | undefined
}

/** How a log or leases come to their connections. */
export interface RedisConnections {
  /** As for `redisStore`. */
  readonly url?: string | undefined
  /** Instead of `url`: called once per connection; it must not wait for one, nor keep commands for later. */
  readonly connect?: ((options: RedisConnectionOptions) => RedisClient) | undefined
}

const CONNECT_TIMEOUT_MS = 2_000
const SOCKET_TIMEOUT_MS = 2_000
const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 2_000
/** For a connection on which answers are waited for until a deadline: what comes in time is to count. In milliseconds. */
export const socketTimeoutFor = (deadlineMs: number): number => Math.max(SOCKET_TIMEOUT_MS, 2 * deadlineMs)

/**
 * How often a cluster is asked who its masters are: where one is lost without anything being asked of the others, nobody
 * says who took over. In milliseconds.
 */
const SLOTS_EVERY_MS = 5_000
/** Twice what a cluster that is being rearranged needs. */
const MOST_REDIRECTIONS = 8

/** What a server says that must be asked of another one, or of this one later: only a new connection finds out. */
const WRONG_SERVER = /^(?:READONLY|LOADING|MASTERDOWN|NOREPLICAS)\b/

/** @throws RangeError when neither is given */
export function connectorOf({ url, connect }: RedisConnections): (options: RedisConnectionOptions) => RedisClient {
  if (connect !== undefined) return connect
  if (url === undefined) throw new RangeError('expected url or connect')
  return (options) => connectRedis(url, options)
}

/**
 * A client that connects now and whenever it has lost the connection, until `disconnect`. Commands are not kept for
 * later and not sent twice; errors of the connection are in the commands that fail.
 * @throws RangeError when the URL is none
 */
export function connectRedis(url: string, options: RedisConnectionOptions = {}): RedisClient {
  const target = parseRedisUrl(url)
  const client = target.kind === 'cluster' ? clusterOf(target, options) : serverOf(target, options)
  ignoreErrors(client)
  return client
}

/** Without a listener an 'error' event would end the process. @returns takes the listener off again */
export function ignoreErrors(client: RedisClient): () => void {
  const ignore = () => {}
  client.on('error', ignore)
  return () => void client.off('error', ignore)
}

/** Is there a server to send a command to? In a cluster, one at least. */
export function isReady(client: RedisClient): boolean {
  return client.status === 'ready' && mastersOf(client).some(({ status }) => status === 'ready')
}

/** Each server that holds a part of the data. */
export function mastersOf(client: RedisClient): Redis[] {
  return isCluster(client) ? client.nodes('master') : [client]
}

export const isCluster = (client: RedisClient): client is Cluster => 'nodes' in client

/** Replies have the same shape whatever the protocol. */
type ServerOptions = Omit<RedisOptions, 'replyMapping'>

function serverOf(target: RedisTarget, options: RedisConnectionOptions): Redis {
  const [{ host, port }] = target.addresses
  const where: ServerOptions = target.kind === 'sentinel' ? behindSentinels(target) : { host, port }
  const settings: ServerOptions = {
    ...commonOptions(target, options),
    ...where,
    db: target.database,
    enableOfflineQueue: false,
    retryStrategy: retryDelay,
  }
  return new (ioredis().Redis)(settings)
}

function behindSentinels({ addresses, master, tls }: RedisTarget): ServerOptions {
  return {
    sentinels: [...addresses],
    name: master,
    sentinelRetryStrategy: retryDelay,
    sentinelCommandTimeout: CONNECT_TIMEOUT_MS,
    ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
  }
}

function clusterOf(target: RedisTarget, options: RedisConnectionOptions): Cluster {
  const cluster = new (ioredis().Cluster)([...target.addresses], {
    enableOfflineQueue: false,
    clusterRetryStrategy: retryDelay,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    slotsRefreshInterval: SLOTS_EVERY_MS,
    maxRedirections: MOST_REDIRECTIONS,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    // A certificate is for the name that the cluster announces.
    ...(target.tls && { dnsLookup: (host, callback) => callback(null, host) }),
    redisOptions: commonOptions(target, options),
  })
  cluster.on('+node', (node: Redis) => queueMicrotask(() => connectNow(node)))
  return cluster
}

/** Else a node would be connected with by the first command for it, and those that come meanwhile be refused. */
function connectNow(node: Redis): void {
  if (node.status === 'wait') node.connect().catch(() => {})
}

type CommonOptions = Omit<
  ServerOptions,
  'host' | 'port' | 'path' | 'sentinels' | 'retryStrategy' | 'enableOfflineQueue' | 'readOnly' | 'himportFieldsets'
>

function commonOptions(target: RedisTarget, options: RedisConnectionOptions): CommonOptions {
  return {
    username: target.username,
    password: target.password,
    ...(target.tls && { tls: {} }),
    connectionName: options.name,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: options.commandTimeoutMs,
    socketTimeout: options.socketTimeoutMs ?? SOCKET_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false, // a write that arrives late could undo a newer one
    autoResubscribe: false, // whoever subscribes does so anew; ioredis would leave its own failure unhandled
    reconnectOnError: isWrongServer(),
    disableClientInfo: true,
  }
}

/** Once in a turn of the event loop: to many commands a server says so at once, and ioredis would close for each. */
function isWrongServer(): (error: Error) => boolean {
  let isToldOf = false
  return ({ message }) => {
    if (isToldOf || !WRONG_SERVER.test(message)) return false
    isToldOf = true
    setImmediate(() => (isToldOf = false))
    return true
  }
}

/** Doubling, and a little apart from one process to the next. */
function retryDelay(attempt: number): number {
  const longest = Math.min(FIRST_RETRY_MS * 2 ** (attempt - 1), LONGEST_RETRY_MS)
  return longest * (0.5 + Math.random() / 2)
}
