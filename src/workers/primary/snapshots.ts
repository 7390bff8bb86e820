/** Combines the snapshots of several workers, one per second, into one. */
import type { Statistics } from '../../cache/statistics.ts'
import { type LiveOrigin, type LiveRequest, MAX_RECENT, type Snapshot } from '../../live/live.ts'
import { byResult } from '../../model.ts'
import { rounded } from '../../units.ts'

/**
 * Adds up one snapshot of each worker.
 * @param stats the present statistics of all workers
 */
export function sumOfSnapshots(snapshots: readonly [Snapshot, ...Snapshot[]], stats: Statistics): Snapshot {
  const [first] = snapshots
  return {
    at: Math.max(...snapshots.map(({ at }) => at)),
    elapsedMs: Math.max(...snapshots.map(({ elapsedMs }) => elapsedMs)),
    stats,
    synced: snapshots.every(({ synced }) => synced),
    requests: byResult((result) => sumOf(snapshots, ({ requests }) => requests[result])),
    latency: {
      boundsMs: first.latency.boundsMs,
      hit: sumOfLists(snapshots.map(({ latency }) => latency.hit)),
      miss: sumOfLists(snapshots.map(({ latency }) => latency.miss)),
    },
    herd: {
      waiting: sumOf(snapshots, ({ herd }) => herd.waiting),
      fetching: sumOf(snapshots, ({ herd }) => herd.fetching),
    },
    origins: groups(
      snapshots.flatMap(({ origins }) => origins),
      ({ origin }) => origin,
    ).map(sumOfOrigin),
    evictions: groups(
      snapshots.flatMap(({ evictions }) => evictions),
      ({ tier, reason }) => `${tier} ${reason}`,
    ).map(([one, ...rest]) => ({ ...one, count: one.count + sumOf(rest, ({ count }) => count) })),
    recent: latest(snapshots.flatMap(({ recent }) => recent)),
  }
}

function sumOfOrigin(all: readonly [LiveOrigin, ...LiveOrigin[]]): LiveOrigin {
  const requests = sumOf(all, (one) => one.requests)
  const ms = sumOf(all, (one) => (one.meanMs ?? 0) * one.requests)
  return {
    origin: all[0].origin,
    inFlight: sumOf(all, ({ inFlight }) => inFlight),
    queued: sumOf(all, ({ queued }) => queued),
    requests,
    failures: sumOf(all, ({ failures }) => failures),
    meanMs: requests === 0 ? undefined : rounded(ms / requests),
  }
}

/** The latest, as many as in a snapshot of one process. */
const latest = (recent: readonly LiveRequest[]): LiveRequest[] =>
  [...recent].sort((one, other) => one.at - other.at).slice(-MAX_RECENT)

const sumOf = <T>(all: readonly T[], read: (one: T) => number): number => all.reduce((sum, one) => sum + read(one), 0)

const sumOfLists = ([first = [], ...rest]: readonly (readonly number[])[]): number[] =>
  first.map((count, at) => count + sumOf(rest, (list) => list[at] ?? 0))

const groups = <T>(all: readonly T[], nameOf: (one: T) => string): [T, ...T[]][] =>
  [...Map.groupBy(all, nameOf).values()] as [T, ...T[]][] // no group is empty
