import type { Events } from '../events.ts'
import { Counter } from './counter.ts'
import { Label } from './label-sets.ts'
import type { Member } from './labels.ts'
import type { Metric } from './metric.ts'

const REASONS: Member<'refusedConnection', 'reason'> = ['limit', 'memory']

/** Connections that never came to a request. */
export function connectionMetrics(events: Events): Metric[] {
  const reason = new Label('reason', REASONS)
  const refused = new Counter(
    { name: 'herdgate_refused_connections_total', help: 'Connections that the data port closed as they arrived.' },
    [reason],
  )
  REASONS.forEach((_, at) => refused.sets.slotOf(at))
  events.on('refusedConnection', ({ reason: why }) => refused.add(refused.sets.slotOf(reason.indexOf(why)), 1))
  return [refused]
}
