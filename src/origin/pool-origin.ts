import { type Dispatcher, Pool } from 'undici'
import { HerdgateError } from '../errors.ts'
import { without } from '../fields.ts'
import type { Clock, Origin, OriginRequest, OriginResponse, Signal } from '../model.ts'
import { type ConcurrencyLimit, type ConcurrencyLimitOptions, createConcurrencyLimit } from './concurrency-limit.ts'
import { askForOptions } from './asterisk.ts'
import { Call, type Member } from './call.ts'
import { Connection } from './connection.ts'
import type { ContentTimeouts, Exchange } from './exchange.ts'
import { withHostFor } from './host.ts'
import { createDialer, hostOf } from './dialer.ts'
import { createRotation } from './rotation.ts'
import type { Destination } from './single-request.ts'

export interface OriginOptions extends ContentTimeouts {
  readonly name: string
  /** One or more http or https URLs, used in rotation. The path of a URL is prefixed to every target. */
  readonly urls: readonly string[]
  /** Milliseconds until a connection must be established. */
  readonly connectTimeout: number
  /** Milliseconds from the request's last octet to the complete head of the final response. */
  readonly headersTimeout: number
  /** Requests in progress at once, over all URLs. */
  readonly maxConcurrency: number
  /** Certificates trusted in place of the well-known ones, in PEM. */
  readonly ca?: string | undefined
}

/** An origin reached through pools of HTTP/1.1 connections. */
export interface PoolOrigin extends Origin {
  usage(): { inFlight: number; queued: number }
  /**
   * Takes a place among the requests in progress, for a request on a connection outside the pools.
   * @returns gives the place back
   * @throws HerdgateError overloaded, or client_gone when the signal is aborted
   */
  readonly enter: (signal: AbortSignal) => Promise<() => void>
  /** The URLs in the order to try them, for a connection outside the pools. */
  readonly destinations: () => readonly Destination[]
  /** An origin with other options on the same places: both together keep to the new limit of requests in progress. */
  successor(options: OriginOptions): PoolOrigin
  /**
   * Closes each connection as soon as it is idle. Requests that still come get one of their own each.
   * @returns settles when no request is in progress or waiting for a place
   */
  retire(): Promise<void>
  /**
   * Takes no new requests, waits for those in progress, then closes all connections.
   * @param signal when aborted, ends the wait and what is still in progress
   */
  close(signal?: AbortSignal): Promise<void>
}

/** How long a URL that could not be reached is tried only after the others, until a single request tries it first. */
const COOL_DOWN_MS = 2_000
/** In addition to the connect timeout, until that request's failure would certainly be known. */
const LATENESS_MS = 1_000
/** Most requests in the queue, per place. */
const QUEUE_PER_PLACE = 4

/** Connection and framing fields, which belong to one hop. Expect has been dealt with on the client's side. */
const PER_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'expect'])

/**
 * Transport to the URLs of one origin. Trailer fields of responses are received; those of requests are not sent.
 * @throws TypeError when there is no URL, or one is not http or https
 */
export function createOrigin(options: OriginOptions, clock: Clock): PoolOrigin {
  return originBehind(createConcurrencyLimit(limitsOf(options), clock), options, clock)
}

const limitsOf = ({ maxConcurrency, headersTimeout }: OriginOptions): ConcurrencyLimitOptions => ({
  places: maxConcurrency,
  queue: maxConcurrency * QUEUE_PER_PLACE,
  waitMs: headersTimeout,
})

function originBehind(limit: ConcurrencyLimit, options: OriginOptions, clock: Clock): PoolOrigin {
  const members = options.urls.map((url) => createMember(url, options, clock))
  if (members.length === 0) throw new TypeError(`Origin ${options.name} has no URL`)
  const trialMs = options.connectTimeout + LATENESS_MS
  const rotation = createRotation(members, { coolDownMs: COOL_DOWN_MS, trialMs }, clock)
  let isClosing = false

  function fetch(request: OriginRequest, signal?: Signal): Promise<OriginResponse> {
    const problem = problemWith(request) ?? (isClosing ? closed(options.name) : undefined)
    if (problem !== undefined) return Promise.reject(problem)
    if (!signal?.aborted && limit.tryEnter())
      return request.body === undefined ? ask(request, signal) : askNext(request, signal)
    return limit.enter(signal).then(() => ask(request, signal))
  }

  /** Once the content that came with the request's head is here too. */
  const askNext = (request: OriginRequest, signal: Signal | undefined): Promise<OriginResponse> =>
    Promise.resolve().then(() => ask(request, signal))

  function ask(request: OriginRequest, signal: Signal | undefined): Promise<OriginResponse> {
    if (request.target === '*') return askAsterisk(request, signal)
    return new Call(request, {
      members: rotation.turn(),
      signal,
      onUnreachable: rotation.failed,
      onAnswered: rotation.answered,
      onAbandoned: rotation.abandoned,
      onFinished: limit.leave,
    }).response
  }

  const askAsterisk = async (request: OriginRequest, signal: Signal | undefined): Promise<OriginResponse> => {
    const fields = without(request.fields, (name) => PER_HOP.has(name))
    const finished = once(limit.leave)
    try {
      return await askForOptions(
        { ...request, fields },
        { ...options, destinations: destinations(), clock, signal, finished },
      )
    } catch (error) {
      finished()
      throw error
    }
  }

  const enter = async (signal: AbortSignal): Promise<() => void> => {
    await limit.enter(signal)
    return once(limit.leave)
  }

  const destinations = (): readonly Destination[] =>
    rotation.turn().map((member) => ({
      url: member.url,
      onUnreachable: () => rotation.failed(member),
      onAnswered: () => rotation.answered(member),
      onAbandoned: () => rotation.abandoned(member),
    }))

  const successor = (next: OriginOptions): PoolOrigin => originBehind(limit.successor(limitsOf(next)), next, clock)

  const retire = (): Promise<void> => {
    for (const member of members) member.retire()
    return limit.idle()
  }

  async function close(signal?: AbortSignal): Promise<void> {
    isClosing = true
    const destroy = () => void Promise.all(members.map((member) => member.destroy()))
    if (signal?.aborted) destroy()
    signal?.addEventListener('abort', destroy)
    await limit.idle()
    signal?.removeEventListener('abort', destroy)
    await Promise.all(members.map((member) => member.destroy()))
  }

  return { name: options.name, fetch, usage: limit.usage, enter, destinations, successor, retire, close }
}

interface PoolMember extends Member {
  readonly url: URL
  retire(): void
  destroy(): Promise<unknown>
}

function createMember(text: string, options: OriginOptions, clock: Clock): PoolMember {
  const { connectTimeout, headersTimeout, bodyTimeout, totalTimeout, maxConcurrency, ca } = options
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new TypeError(`${text} is not an http URL`)
  const dial = createDialer({ url, ca })
  const factory = () => new Connection({ url, connectTimeout }, dial, clock)
  const pool = new Pool(url.origin, { connections: maxConcurrency, allowH2: false, factory })
  const singleUse = new Set<Connection>()
  const basePath = url.pathname.replace(/\/$/, '')
  // Without it undici would take the name from Host, and reconnect whenever that changes.
  const servername = hostOf(url)

  const sendThrough = (dispatcher: Dispatcher, { method, target, fields }: OriginRequest, exchange: Exchange) => {
    const headers = without(withHostFor(url, fields), (name) => PER_HOP.has(name))
    const dispatch = { method, path: basePath + target, headers, body: exchange.upload(), servername }
    dispatcher.dispatch(dispatch, exchange)
  }
  const sendOnNewConnection = (request: OriginRequest, exchange: Exchange) => {
    const connection = factory()
    singleUse.add(connection)
    sendThrough(connection, request, exchange)
    void connection.close().finally(() => singleUse.delete(connection)) // closes once the request is answered
  }
  return {
    url,
    exchangeOptions: { where: url.host, headersTimeout, bodyTimeout, totalTimeout, overTls: url.protocol === 'https:' },
    send: (request, exchange) =>
      pool.closed ? sendOnNewConnection(request, exchange) : sendThrough(pool, request, exchange),
    sendOnNewConnection,
    retire: () => void pool.close(),
    destroy: () => Promise.all([pool, ...singleUse].map((dispatcher) => dispatcher.destroy())),
  }
}

function problemWith({ method, target }: OriginRequest): HerdgateError | undefined {
  if (target.startsWith('/') ? method !== 'CONNECT' : target === '*' && method === 'OPTIONS') return undefined
  return new HerdgateError('malformed_request', `${method} is not sent for this target`)
}

const closed = (name: string) => new HerdgateError('origin_refused', `Origin ${name} is closed`)

function once(run: () => void): () => void {
  let isDone = false
  return () => {
    if (isDone) return
    isDone = true
    run()
  }
}
