import type { EventPayloads, Events } from '../events.ts'
import type { Tier, TierUsage } from '../model.ts'
import { Counter } from './counter.ts'
import { Histogram } from './histogram.ts'
import { Label } from './label-sets.ts'
import type { Member } from './labels.ts'
import { gauge, type Metric } from './metric.ts'

const TIERS: readonly Tier[] = ['memory', 'disk', 'redis']
const OPERATIONS: Member<'store', 'op'> = ['get', 'set', 'delete']
const STORE_OUTCOMES: Member<'store', 'outcome'> = ['hit', 'miss', 'ok', 'error', 'unknown', 'dropped']
const OUTCOMES_OF_LOOK_UPS: Member<'store', 'outcome'> = ['hit', 'miss', 'error', 'unknown']
const OUTCOMES_OF_CHANGES: Member<'store', 'outcome'> = ['ok', 'error', 'dropped']
const EVICTION_REASONS: Member<'eviction', 'reason'> = [
  'size',
  'expired',
  'purged',
  'replaced',
  'rejected',
  'defective',
]

/** Seconds: from a look-up in memory to a shared store that is about to time out. */
const OPERATION_BOUNDS = [0.000_001, 0.000_005, 0.000_025, 0.0001, 0.0005, 0.0025, 0.01, 0.05, 0.25, 1]

const TIER = new Label('tier', TIERS)

/**
 * What the stores hold, do and evict.
 * @param tiers the configured ones
 */
export function storeMetrics(events: Events, usage: () => readonly TierUsage[], tiers: readonly Tier[]): Metric[] {
  return [...usageMetrics(usage), ...operationMetrics(events, tiers), evictionCounter(events, tiers)]
}

function operationMetrics(events: Events, tiers: readonly Tier[]): Metric[] {
  const op = new Label('op', OPERATIONS)
  const outcome = new Label('outcome', STORE_OUTCOMES)
  const operations = new Counter({ name: 'herdgate_store_operations_total', help: 'Operations of store tiers.' }, [
    TIER,
    op,
    outcome,
  ])
  const durations = new Histogram(
    {
      name: 'herdgate_store_operation_duration_seconds',
      help: 'Duration of store operations; in memory one in 64 is timed.',
    },
    [TIER, op],
    OPERATION_BOUNDS,
  )
  for (const tierIndex of tiers.map((name) => TIER.indexOf(name))) {
    OPERATIONS.forEach((done, at) => {
      durations.sets.slotOf(tierIndex, at)
      const outcomes = done === 'get' ? OUTCOMES_OF_LOOK_UPS : OUTCOMES_OF_CHANGES
      for (const how of outcomes) operations.sets.slotOf(tierIndex, at, outcome.indexOf(how))
    })
  }
  // Hits follow one another: memory reports them with the same object, whose slot need not be looked up again.
  let last: EventPayloads['store'] | undefined
  let slot = 0
  events.on('store', (done) => {
    if (done !== last) {
      slot = operations.sets.slotOf(TIER.indexOf(done.tier), op.indexOf(done.op), outcome.indexOf(done.outcome))
      last = done
    }
    operations.add(slot, 1)
    if (done.ms !== undefined) {
      durations.observe(durations.sets.slotOf(TIER.indexOf(done.tier), op.indexOf(done.op)), done.ms)
    }
  })
  return [operations, durations]
}

function evictionCounter(events: Events, tiers: readonly Tier[]): Metric {
  const reason = new Label('reason', EVICTION_REASONS)
  const evictions = new Counter({ name: 'herdgate_store_evictions_total', help: 'Entries evicted or refused.' }, [
    TIER,
    reason,
  ])
  for (const name of tiers) EVICTION_REASONS.forEach((_, at) => evictions.sets.slotOf(TIER.indexOf(name), at))
  events.on('eviction', (out) =>
    evictions.add(evictions.sets.slotOf(TIER.indexOf(out.tier), reason.indexOf(out.reason)), out.count ?? 1),
  )
  return evictions
}

function usageMetrics(usage: () => readonly TierUsage[]): Metric[] {
  const read = (member: 'bytes' | 'maxBytes' | 'objects') => () =>
    usage().map((of) => ({ labels: { tier: of.tier }, value: of[member] }))
  return [
    gauge({ name: 'herdgate_store_bytes', help: 'Bytes a store tier holds.' }, read('bytes')),
    gauge({ name: 'herdgate_store_max_bytes', help: 'Bytes a store tier may hold.' }, read('maxBytes')),
    gauge({ name: 'herdgate_store_objects', help: 'Entries a store tier holds.' }, read('objects')),
  ]
}
