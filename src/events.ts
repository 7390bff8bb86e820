/**
 * Events inside the cache, by name. Metrics, logs and tests listen; there is no other reporting. Listeners run
 * synchronously while a request is handled, so they must not block. An error thrown by a listener becomes an uncaught
 * exception, as with an EventTarget, so that it does not interrupt the code that emitted the event.
 */
import type { Fields } from './fields.ts'
import { type Names, shown } from './given.ts'
import type { ForwardReason, InvalidationMode, Outcome, Receipt, Selectors, Tier } from './model.ts'

export interface EventPayloads {
  /** An HTTP request was answered, to its last byte or until it broke off. */
  request: RequestEvent
  /** The data port closed a connection as it arrived. `limit`: `maxConnections` were open; `memory`: it is exhausted. */
  refusedConnection: { reason: 'limit' | 'memory' }
  /** A request to an origin got a response or failed. */
  origin: OriginEvent
  /** The content of an origin's response broke off, not because of the client. `why` may name addresses. */
  broken: { origin: string; code: string; why: string }
  /** A stored response or value was revalidated. */
  revalidation: {
    route: string
    mode: 'background' | 'blocking'
    outcome: 'not_modified' | 'replaced' | 'error'
  }
  /**
   * A request joined a fetch in progress: it got that fetch's result, had to ask for an answer of its own, or got the
   * stale copy because the fetch took too long.
   */
  collapse: { route: string; outcome: 'reused' | 'refetched' | 'timeout' }
  /** An operation of a store tier. */
  store: StoreEvent
  /** Something left a tier, or was not admitted. `count`: how many entries; 1 if absent. */
  eviction: {
    tier: Tier
    reason: EvictionReason
    count?: number
  }
  /** A tier failed, recovered, or had to start empty. `why` is for logs. */
  tier: { tier: Tier; state: 'working' | 'degraded' | 'emptied'; why: string }
  /** A purge or invalidation. `by` is `admin`, `unsafe-method`, `library`, or what the embedder gave as `by`. */
  purge: {
    mode: InvalidationMode
    selectors: Selectors
    outcome: 'done' | 'failed'
    receipt: Receipt | undefined
    tookMs: number
    by: string
  }
  /** The routes and origins in use from now on. */
  routing: { routes: readonly string[]; origins: readonly string[] }
  /** Something happened to a shared invalidation log, as this process sees it. */
  log: LogEvent
}

export interface LogEvent {
  /**
   * synced, unsynced: this process knows, or may no longer know, every record.
   * generation: the log lost records, or is new: older copies are revalidated before their next use.
   * evictable: Redis is configured so that it may evict the log.
   * overflow: too many records of this process could not be logged, so a purge of everything replaces them.
   */
  readonly what: 'synced' | 'unsynced' | 'generation' | 'evictable' | 'overflow'
  /** Human-readable. */
  readonly detail: string
}

/** Why an entry left a tier or was not admitted. `defective`: what was read is not what had been stored. */
export type EvictionReason = 'size' | 'expired' | 'purged' | 'replaced' | 'rejected' | 'defective'

export interface RequestEvent {
  readonly route: string
  readonly method: string
  readonly url: string
  readonly status: number
  readonly outcome: Outcome
  /** Age of the stored response that was the answer, in seconds, as sent in Age. */
  readonly age?: number | undefined
  /** The request's fields. May be computed on access: read them inside the listener, and only if needed. */
  readonly head: { readonly fields: Fields }
  /** Bytes of content sent to the client. */
  readonly bytes: number
  /** From the request's head to the response's head. */
  readonly firstByteMs: number
  /** From the request's head to the response's last byte. */
  readonly totalMs: number
  /** The client left or the response broke off before its end. */
  readonly aborted: boolean
  /** Address of the client: as reported by trusted proxies, else that of the connection. */
  readonly peer: string | undefined
}

export interface StoreEvent {
  readonly tier: Tier
  readonly op: 'get' | 'set' | 'delete'
  /** `unknown`: a look-up could not be answered. `dropped`: a write was not attempted. */
  readonly outcome: 'hit' | 'miss' | 'ok' | 'error' | 'unknown' | 'dropped'
  /** How long it took; the memory tier measures only a sample of its operations. */
  readonly ms?: number
}

export interface OriginEvent {
  readonly origin: string
  readonly route: string
  readonly reason: ForwardReason
  /** Status code, or the error's code. */
  readonly code: string
  /** What went wrong, unless the client caused it. May name addresses. */
  readonly why?: string | undefined
  /** Time to the response head or the failure. */
  readonly ms: number
}

const NAMES: Names<EventPayloads> = {
  request: true,
  refusedConnection: true,
  origin: true,
  broken: true,
  revalidation: true,
  collapse: true,
  store: true,
  eviction: true,
  tier: true,
  purge: true,
  routing: true,
  log: true,
}

type Listener<Payload> = (payload: Payload) => void

/** Listeners for one event. Each change replaces the list, so an emit in progress is not affected. */
interface Listeners<Payload> {
  all: readonly Listener<Payload>[]
}

export class Events {
  readonly #listeners: { [Name in keyof EventPayloads]?: Listeners<EventPayloads[Name]> } = {}

  /**
   * @returns a function that removes the listener
   * @throws TypeError if there is no such event, or the listener is no function: it would never be called
   */
  on<Name extends keyof EventPayloads>(name: Name, listener: Listener<EventPayloads[Name]>): () => void {
    if (!Object.hasOwn(NAMES, name)) {
      throw new TypeError(`expected ${Object.keys(NAMES).join(', ')} as name of an event, got ${shown(name)}`)
    }
    if (typeof listener !== 'function') throw new TypeError(`expected a function as listener, got ${shown(listener)}`)
    const listeners = this.#of(name)
    listeners.all = [...listeners.all, listener]
    let isOn = true
    return () => {
      if (isOn) listeners.all = listeners.all.toSpliced(listeners.all.indexOf(listener), 1)
      isOn = false
    }
  }

  emit<Name extends keyof EventPayloads>(name: Name, payload: EventPayloads[Name]): void {
    const listeners = this.#listeners[name]
    if (listeners !== undefined) notify(listeners, payload)
  }

  /** Emits this event without looking up its listeners by name each time, for events on the hot path. */
  emitter<Name extends keyof EventPayloads>(name: Name): Listener<EventPayloads[Name]> {
    const listeners = this.#of(name)
    return (payload) => notify(listeners, payload)
  }

  #of<Name extends keyof EventPayloads>(name: Name): Listeners<EventPayloads[Name]> {
    const listeners: Listeners<EventPayloads[Name]> = (this.#listeners[name] ??= { all: [] })
    return listeners
  }
}

function notify<Payload>({ all }: Listeners<Payload>, payload: Payload): void {
  for (let at = 0; at < all.length; at++) {
    try {
      all[at]?.(payload)
    } catch (thrown) {
      throwLater(thrown)
    }
  }
}

/** Throws once the code that emitted the event has finished. */
function throwLater(thrown: unknown): void {
  queueMicrotask(() => {
    throw thrown
  })
}
