import type { Statistics } from '../../cache/statistics.ts'
import { byResult, hitRatioOf, type Tier, type TierUsage } from '../../model.ts'

/** Adds up the statistics of several processes; those of the log are the first one's. */
export function sumOfStatistics(own: Statistics, others: readonly Statistics[]): Statistics {
  const all = [own, ...others]
  const sum = (read: (statistics: Statistics) => number) => all.reduce((total, one) => total + read(one), 0)
  const requests = byResult((result) => sum((one) => one.requests[result]))
  return {
    requests,
    hitRatio: hitRatioOf(requests),
    originTimeSavedMs: sum((one) => one.originTimeSavedMs),
    originRequests: sum((one) => one.originRequests),
    inFlight: sum((one) => one.inFlight),
    waiting: sum((one) => one.waiting),
    tiers: sumOfTiers(all.flatMap(({ tiers }) => tiers)),
    purges: {
      purge: sum(({ purges }) => purges.purge),
      invalidate: sum(({ purges }) => purges.invalidate),
      failed: sum(({ purges }) => purges.failed),
    },
    log: own.log,
    nodes: own.nodes,
  }
}

/** Each process has memory of its own; disk and Redis are the same for all. */
export function sumOfTiers(tiers: readonly TierUsage[]): TierUsage[] {
  const byTier = new Map<Tier, TierUsage>()
  for (const usage of tiers) {
    const other = byTier.get(usage.tier)
    byTier.set(usage.tier, other === undefined ? usage : combined(other, usage))
  }
  return [...byTier.values()]
}

function combined(one: TierUsage, other: TierUsage): TierUsage {
  const { tier } = one
  const join = tier === 'memory' ? (a: number, b: number) => a + b : Math.max
  const degraded = one.degraded === true || other.degraded === true
  return {
    tier,
    bytes: join(one.bytes, other.bytes),
    maxBytes: join(one.maxBytes, other.maxBytes),
    objects: join(one.objects, other.objects),
    ...(degraded && { degraded }),
  }
}

/** The part that stays true of a process that has ended. */
export function countsOf(statistics: Statistics): Statistics {
  return { ...statistics, inFlight: 0, waiting: 0, tiers: [] }
}
