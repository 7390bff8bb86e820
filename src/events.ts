/**
 * What happens inside, by name. Metrics, logs and tests listen; nothing else reports. Listeners must not block: they
 * run on the path of a request. What one of them throws is an uncaught exception, as with an EventTarget: whatever
 * tells of an event is not left half done.
 */
import type { Fields } from './fields.ts'
import type { ForwardReason, InvalidationMode, Outcome, Receipt, Selectors, Tier } from './model.ts'

export interface EventPayloads {
  /** A request of the HTTP door was answered, to its last byte or until it broke off. */
  request: RequestEvent
  /** An origin was asked. */
  origin: OriginEvent
  /** The content of an origin's answer broke off, and that was not the client's doing. `why` may name addresses. */
  broken: { origin: string; code: string; why: string }
  /** A stored response was checked with its origin. */
  revalidation: {
    route: string
    mode: 'background' | 'blocking'
    outcome: 'not_modified' | 'replaced' | 'error'
  }
  /**
   * A request found a fetch of its key in progress: it got what that brought, asked for an answer of its own after all,
   * or got the stale copy because it took too long.
   */
  collapse: { route: string; outcome: 'reused' | 'refetched' | 'timeout' }
  /** A store tier did something. */
  store: StoreEvent
  /** `count`: of so many things at once; 1 where it is absent. */
  eviction: {
    tier: Tier
    reason: EvictionReason
    count?: number
  }
  /** A tier fell out of order, is in order again, or had to begin anew. `why` is for logs. */
  tier: { tier: Tier; state: 'working' | 'degraded' | 'emptied'; why: string }
  /** A purge or invalidation was asked for. `by` says who: an admin token's name or `unsafe-method`. */
  purge: {
    mode: InvalidationMode
    selectors: Selectors
    outcome: 'done' | 'failed'
    receipt: Receipt | undefined
    tookMs: number
    by: string
  }
  /** From now on requests go by these routes, to these origins. */
  routing: { routes: readonly string[]; origins: readonly string[] }
  /** Something happened to a shared invalidation log, as this process sees it. */
  log: LogEvent
}

export interface LogEvent {
  /**
   * synced, unsynced: it hears, or no longer hears, of every record.
   * generation: the log lost records, or began: what is older is checked with the origin before its next use.
   * evictable: Redis is set up so that it may evict the log.
   * overflow: too many records of this process could not be logged: a purge of everything takes their place.
   */
  readonly what: 'synced' | 'unsynced' | 'generation' | 'evictable' | 'overflow'
  /** For people. */
  readonly detail: string
}

/** Why something is no longer in a tier, or did not get in. `defective`: what was there is not what was put there. */
export type EvictionReason = 'size' | 'expired' | 'purged' | 'replaced' | 'rejected' | 'defective'

export interface RequestEvent {
  readonly route: string
  readonly method: string
  readonly url: string
  readonly status: number
  readonly outcome: Outcome
  /** Of the stored response that was the answer, in seconds, as its Age says. */
  readonly age?: number | undefined
  /** The request's fields. They may have to be made: ask for them in the listener, and only where they are needed. */
  readonly head: { readonly fields: Fields }
  /** Octets of content sent to the client. */
  readonly bytes: number
  /** From the request's head to the response's head, and to its last byte. */
  readonly firstByteMs: number
  readonly totalMs: number
  /** The client left or the response broke off before its end. */
  readonly aborted: boolean
  /** Address of the client, as far as proxies that tell it are trusted. */
  readonly peer: string | undefined
}

export interface StoreEvent {
  readonly tier: Tier
  readonly op: 'get' | 'set' | 'delete'
  /** `unknown`: a look-up found no answer. `dropped`: a write was not even tried. */
  readonly outcome: 'hit' | 'miss' | 'ok' | 'error' | 'unknown' | 'dropped'
  /** How long it took; the memory tier looks at the clock for one operation in many. */
  readonly ms?: number
}

export interface OriginEvent {
  readonly origin: string
  readonly route: string
  readonly reason: ForwardReason
  /** Status code, or the code of the error. */
  readonly code: string
  /** What went wrong, where that was not the client's doing. It may name addresses. */
  readonly why?: string | undefined
  /** To the response head, or the failure. */
  readonly ms: number
}

type Listener<Payload> = (payload: Payload) => void

/** Of one event. The list is another one after each change: who is being told is not affected. */
interface Listeners<Payload> {
  all: readonly Listener<Payload>[]
}

export class Events {
  readonly #listeners: { [Name in keyof EventPayloads]?: Listeners<EventPayloads[Name]> } = {}

  /** @returns takes the listener off again */
  on<Name extends keyof EventPayloads>(name: Name, listener: Listener<EventPayloads[Name]>): () => void {
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
    if (listeners !== undefined) tell(listeners, payload)
  }

  /** What emits this one event, for where that is done most: it need not look for the listeners by name each time. */
  emitter<Name extends keyof EventPayloads>(name: Name): Listener<EventPayloads[Name]> {
    const listeners = this.#of(name)
    return (payload) => tell(listeners, payload)
  }

  #of<Name extends keyof EventPayloads>(name: Name): Listeners<EventPayloads[Name]> {
    const listeners: Listeners<EventPayloads[Name]> = (this.#listeners[name] ??= { all: [] })
    return listeners
  }
}

function tell<Payload>({ all }: Listeners<Payload>, payload: Payload): void {
  for (let at = 0; at < all.length; at++) {
    try {
      all[at]?.(payload)
    } catch (thrown) {
      throwApart(thrown)
    }
  }
}

/** When whoever tells of the event has come to an end. */
function throwApart(thrown: unknown): void {
  queueMicrotask(() => {
    throw thrown
  })
}
