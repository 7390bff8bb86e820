/**
 * What happens now, sent once a second to those who watch: a subscriber to events like any other. While nobody watches
 * it listens to nothing, keeps nothing and runs no timer.
 */
import type { Statistics } from '../cache/statistics.ts'
import { wallTime } from '../clock.ts'
import type { Events } from '../events.ts'
import { type Gauges, Interval, type Snapshot } from './interval.ts'
import type { Clock } from '../model.ts'

export { type LiveOrigin, type LiveRequest, MAX_RECENT, type Snapshot } from './interval.ts'

export interface LiveParts {
  readonly events: Events
  readonly clock: Clock
  readonly stats: () => Statistics
  /** Whether this node knows of every record of the invalidation log. */
  readonly synced: () => boolean
  readonly originUsage: () => Gauges['origins']
}

export interface Live {
  /** @returns a function that removes the watcher; undefined when there are `MAX_WATCHERS` already */
  watch(watcher: (snapshot: Snapshot) => void): (() => void) | undefined
}

export const MAX_WATCHERS = 8
const SNAPSHOT_MS = 1000
/** How often waiting requests are counted: a herd comes and goes within a second. */
const SAMPLE_MS = 100

export function createLive(parts: LiveParts): Live {
  const watchers = new Set<(snapshot: Snapshot) => void>()
  let stop: (() => void) | undefined

  const send = (snapshot: Snapshot) => {
    for (const watcher of watchers) watcher(snapshot)
  }

  return {
    watch(watcher) {
      if (watchers.size >= MAX_WATCHERS) return undefined
      watchers.add(watcher)
      stop ??= record(parts, send)
      return () => {
        if (!watchers.delete(watcher) || watchers.size > 0) return
        stop?.()
        stop = undefined
      }
    },
  }
}

/** @returns a function that ends the recording */
function record({ events, clock, stats, synced, originUsage }: LiveParts, send: (snapshot: Snapshot) => void) {
  let interval = new Interval(clock.now())
  const unsubscribe = [
    events.on('request', (request) => interval.request(request, wallTime(clock))),
    events.on('origin', (asked) => interval.origin(asked)),
    events.on('eviction', (out) => interval.eviction(out)),
  ]

  let cancel = clock.after(SAMPLE_MS, sample)
  function sample(): void {
    const now = clock.now()
    const gauges = { stats: stats(), synced: synced(), origins: originUsage() }
    interval.sample(gauges)
    cancel = clock.after(SAMPLE_MS, sample)
    if (now - interval.from < SNAPSHOT_MS) return
    const snapshot = interval.end(now, wallTime(clock), gauges)
    interval = new Interval(now)
    send(snapshot)
  }

  return () => {
    cancel()
    for (const off of unsubscribe) off()
  }
}
