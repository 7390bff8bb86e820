/** Connections to Redis that fail rather than wait: a command without a connection is refused at once. */
import { createRequire } from 'node:module'
import type { Cluster, Redis, RedisOptions } from 'ioredis'
import { reasonOf } from '../../errors.ts'
import { parseRedisUrl, type RedisTarget } from './url.ts'

export type RedisClient = Redis | Cluster

/** Loaded only where there is a Redis to connect to: the package takes a tenth of the start-up time. */
const ioredis = (): typeof import('ioredis') => createRequire(import.meta.url)('ioredis')

export interface RedisConnectionOptions {
  /** Shown by CLIENT LIST. */
  readonly name?: string | undefined
  /** A command without an answer fails after this, in milliseconds; undefined: the caller sets a limit of its own. */
  readonly commandTimeoutMs?: number | undefined
  /**
   * A connection on which an answer is due and nothing arrives for this long is dropped and made anew. Longer than any
   * blocking command, and than any caller waits. In milliseconds.
   */
  readonly socketTimeoutMs?: number | undefined
}

/** How a log or leases get their connections. */
export interface RedisConnections {
  /** As for `redisStore`: `redis://`, `redis+cluster://` or `redis+sentinel://`; `rediss` for TLS. */
  readonly url?: string | undefined
  /**
   * Instead of `url`: called once per connection. Returns a client without waiting until it is connected; meanwhile the
   * client must not queue commands.
   */
  readonly connect?: ((options: RedisConnectionOptions) => RedisClient) | undefined
}

const CONNECT_TIMEOUT_MS = 2_000
const SOCKET_TIMEOUT_MS = 2_000
const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 2_000
/** Socket timeout where callers wait until a deadline: an answer within that has to count. In milliseconds. */
export const socketTimeoutFor = (deadlineMs: number): number => Math.max(SOCKET_TIMEOUT_MS, 2 * deadlineMs)

/**
 * How often a cluster is asked for its masters, in ms: if one is lost and no command goes to the others, nothing else
 * says who took over.
 */
const SLOTS_EVERY_MS = 5_000
/** Twice what a cluster needs while it is being resharded. */
const MAX_REDIRECTIONS = 8

/** Replies to a command that is for another server, or for this one later: only a new connection finds out. */
const WRONG_SERVER = /^(?:READONLY|LOADING|MASTERDOWN|NOREPLICAS)\b/

/** @throws RangeError when neither `url` nor `connect` is given */
export function connectorOf({ url, connect }: RedisConnections): (options: RedisConnectionOptions) => RedisClient {
  if (connect !== undefined) return connect
  if (url === undefined) throw new RangeError('expected url or connect')
  return (options) => connectRedis(url, options)
}

/**
 * A client that connects now and whenever it has lost the connection, until `disconnect`. Commands are neither queued
 * nor sent twice; errors of the connection show in the commands that fail.
 * @throws RangeError when the URL is not valid
 */
export function connectRedis(url: string, options: RedisConnectionOptions = {}): RedisClient {
  const target = parseRedisUrl(url)
  const client = target.kind === 'cluster' ? clusterOf(target, options) : serverOf(target, options)
  ignoreErrors(client)
  return client
}

/** Without a listener an 'error' event would end the process. @returns a function that removes the listener */
export function ignoreErrors(client: RedisClient): () => void {
  const ignore = () => {}
  client.on('error', ignore)
  return () => void client.off('error', ignore)
}

/** Of a cluster, what its last server failed with. */
export function failureOf(error: Error & { readonly lastNodeError?: Error }): string {
  return reasonOf(error.lastNodeError ?? error)
}

/** Is there a server to send a command to? In a cluster, at least one. */
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
    maxRedirections: MAX_REDIRECTIONS,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    // Certificates are for the names that the cluster announces.
    ...(target.tls && { dnsLookup: (host, callback) => callback(null, host) }),
    redisOptions: commonOptions(target, options),
  })
  cluster.on('+node', (node: Redis) => queueMicrotask(() => connectNow(node)))
  return cluster
}

/** Otherwise the first command for a node would connect to it, and those that come meanwhile would be refused. */
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
    autoResubscribe: false, // subscribers do it themselves; a failure of ioredis to do so would be unhandled
    reconnectOnError: isWrongServer(),
    disableClientInfo: true,
  }
}

/** True once per turn of the event loop: a server may say so to many commands, and ioredis would reconnect for each. */
function isWrongServer(): (error: Error) => boolean {
  let isReconnecting = false
  return ({ message }) => {
    if (isReconnecting || !WRONG_SERVER.test(message)) return false
    isReconnecting = true
    setImmediate(() => (isReconnecting = false))
    return true
  }
}

/** Doubles up to a limit, with jitter, so that processes do not all retry together. In milliseconds. */
function retryDelay(attempt: number): number {
  const longest = Math.min(FIRST_RETRY_MS * 2 ** (attempt - 1), LONGEST_RETRY_MS)
  return longest * (0.5 + Math.random() / 2)
}
