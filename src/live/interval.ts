/** What was counted from one snapshot to the next. Its size does not grow with traffic. */
import type { Statistics } from '../cache/statistics.ts'
import type { EventPayloads, OriginEvent, RequestEvent } from '../events.ts'
import { byResult, isFromCache, type Outcome, type Result } from '../model.ts'
import { rounded } from '../units.ts'

export interface Snapshot {
  /** When it was taken, epoch ms by the machine's clock, and the time it covers. */
  readonly at: number
  readonly elapsedMs: number
  /** Since the process began, as in GET /v1/stats. */
  readonly stats: Statistics
  /** Whether this node knows of every record of the invalidation log. */
  readonly synced: boolean
  /** Requests answered in that time, by result. */
  readonly requests: Readonly<Record<Result, number>>
  /**
   * Those from the cache (hit, stale, stale_if_error) and those that waited for an origin, by the time to their first
   * byte: a count for each bound, and one for what is above them all.
   */
  readonly latency: {
    readonly boundsMs: readonly number[]
    readonly hit: readonly number[]
    readonly miss: readonly number[]
  }
  /** The most at any one time. */
  readonly herd: {
    /** Clients that waited for an origin, their own request's or another's. */
    readonly waiting: number
    /** Requests that origins were working on. */
    readonly fetching: number
  }
  readonly origins: readonly LiveOrigin[]
  readonly evictions: readonly {
    readonly tier: string
    readonly reason: string
    readonly count: number
  }[]
  /** Some of the requests, in the order they were answered. */
  readonly recent: readonly LiveRequest[]
}

export interface LiveOrigin {
  readonly origin: string
  readonly inFlight: number
  readonly queued: number
  /** Requests that were answered or failed in that time. */
  readonly requests: number
  /** How many of them the origin did not answer, or with a 5xx. */
  readonly failures: number
  /** Mean time to the response head; undefined when none was asked. */
  readonly meanMs: number | undefined
}

export interface LiveRequest {
  readonly at: number
  readonly method: string
  /** Absolute; empty when the request had none that could be parsed. */
  readonly url: string
  /** Whether the URL was longer, and was cut. */
  readonly cut: boolean
  readonly route: string
  readonly status: number
  readonly outcome: Outcome
  readonly firstByteMs: number
  readonly totalMs: number
  readonly bytes: number
  readonly aborted: boolean
}

/** Numbers as they are at one moment, not added up from events. */
export interface Gauges {
  readonly stats: Statistics
  readonly synced: boolean
  readonly origins: readonly { readonly origin: string; readonly inFlight: number; readonly queued: number }[]
}

/** How many requests are listed one by one, and how many of them may be hits: rarer results say more. */
export const MAX_RECENT = 50
const MAX_RECENT_HITS = 30
const LONGEST_URL = 2048

/** Four to a factor of ten, from 0.1 ms to 31.6 s. */
export const BOUNDS_MS: readonly number[] = Array.from({ length: 23 }, (_, at) => rounded(10 ** (at / 4 - 1)))

/** As in the alert HerdgateOriginFailing: a client that leaves or that gets no place says nothing about the origin. */
const ORIGIN_FAILED = /^(?:5|origin_)/

const WITHOUT_ANSWER: ReadonlySet<Result> = new Set(['error', 'shed'])

export class Interval {
  readonly from: number
  readonly #requests: Record<Result, number> = byResult(() => 0)
  readonly #hit: number[] = BOUNDS_MS.map(() => 0).concat(0)
  readonly #miss: number[] = BOUNDS_MS.map(() => 0).concat(0)
  readonly #herd = { waiting: 0, fetching: 0 }
  readonly #origins = new Map<string, { requests: number; failures: number; ms: number }>()
  readonly #evictions = new Map<string, { tier: string; reason: string; count: number }>()
  readonly #recent: LiveRequest[] = []
  #recentHits = 0

  /** @param from when it begins, by the process's clock */
  constructor(from: number) {
    this.from = from
  }

  /** @param at epoch ms by the machine's clock */
  request(event: RequestEvent, at: number): void {
    const { result } = event.outcome
    this.#requests[result]++
    if (!WITHOUT_ANSWER.has(result)) {
      const counts = isFromCache(result) ? this.#hit : this.#miss
      const bucket = bucketOf(event.firstByteMs)
      counts[bucket] = (counts[bucket] ?? 0) + 1
    }
    if (this.#recent.length >= MAX_RECENT) return
    if (result === 'hit' && ++this.#recentHits > MAX_RECENT_HITS) return
    this.#recent.push(liveRequest(event, at))
  }

  origin({ origin, code, ms }: OriginEvent): void {
    const sum = this.#origins.get(origin) ?? { requests: 0, failures: 0, ms: 0 }
    this.#origins.set(origin, sum)
    sum.requests++
    sum.ms += ms
    if (ORIGIN_FAILED.test(code)) sum.failures++
  }

  eviction({ tier, reason, count = 1 }: EventPayloads['eviction']): void {
    const key = `${tier} ${reason}`
    const sum = this.#evictions.get(key) ?? { tier, reason, count: 0 }
    this.#evictions.set(key, sum)
    sum.count += count
  }

  sample({ stats, origins }: Gauges): void {
    const fetching = origins.reduce((sum, { inFlight }) => sum + inFlight, 0)
    this.#herd.waiting = Math.max(this.#herd.waiting, stats.waiting)
    this.#herd.fetching = Math.max(this.#herd.fetching, fetching)
  }

  /** @param now by the process's clock @param at the same by the machine's */
  end(now: number, at: number, { stats, synced, origins }: Gauges): Snapshot {
    return {
      at: Math.round(at),
      elapsedMs: Math.round(now - this.from),
      stats,
      synced,
      requests: this.#requests,
      latency: { boundsMs: BOUNDS_MS, hit: this.#hit, miss: this.#miss },
      herd: this.#herd,
      origins: origins.map((usage) => this.#originSince(usage)),
      evictions: [...this.#evictions.values()],
      recent: this.#recent,
    }
  }

  #originSince({ origin, inFlight, queued }: Gauges['origins'][number]): LiveOrigin {
    const { requests, failures, ms } = this.#origins.get(origin) ?? { requests: 0, failures: 0, ms: 0 }
    return { origin, inFlight, queued, requests, failures, meanMs: requests === 0 ? undefined : rounded(ms / requests) }
  }
}

function bucketOf(ms: number): number {
  const at = BOUNDS_MS.findIndex((bound) => ms <= bound)
  return at === -1 ? BOUNDS_MS.length : at
}

function liveRequest(event: RequestEvent, at: number): LiveRequest {
  const { method, url, route, status, outcome, bytes, aborted } = event
  return {
    at: Math.round(at),
    method,
    url: url.slice(0, LONGEST_URL),
    cut: url.length > LONGEST_URL,
    route,
    status,
    outcome,
    firstByteMs: rounded(event.firstByteMs),
    totalMs: rounded(event.totalMs),
    bytes,
    aborted,
  }
}
