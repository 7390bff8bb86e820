import type { Events } from '../events.ts'
import type { Selectors } from '../model.ts'
import { Counter } from './counter.ts'
import { Histogram } from './histogram.ts'
import { Label } from './label-sets.ts'
import { REQUEST_BOUNDS } from './labels.ts'
import { type Description, gauge, type Metric } from './metric.ts'

const KINDS = ['tag', 'url', 'prefix', 'all'] as const
const MODES = ['hard', 'soft'] as const
const OUTCOMES = ['done', 'failed'] as const

const POSITION: Description = {
  name: 'herdgate_log_position',
  help: 'Newest record of the invalidation log applied by this process.',
  aggregator: 'min',
}
const SYNCED: Description = {
  name: 'herdgate_log_synced',
  help: '1 while this process receives the invalidation log, else 0.',
  aggregator: 'min',
}

export function purgeMetrics(events: Events, log: () => { position: number; synced: boolean }): Metric[] {
  const kind = new Label('kind', KINDS)
  const mode = new Label('mode', MODES)
  const outcome = new Label('outcome', OUTCOMES)
  const purges = new Counter(
    {
      name: 'herdgate_purges_total',
      help: 'Purges (hard) and invalidations (soft), counted once per kind of selector in them.',
    },
    [kind, mode, outcome],
  )
  const propagation = new Histogram(
    {
      name: 'herdgate_purge_propagation_seconds',
      help: 'From a purge or invalidation to the acknowledgement of every live node.',
    },
    [],
    REQUEST_BOUNDS,
  )
  KINDS.forEach((_, kindIndex) =>
    MODES.forEach((_, modeIndex) => OUTCOMES.forEach((_, at) => purges.sets.slotOf(kindIndex, modeIndex, at))),
  )
  const everywhere = propagation.sets.slotOf(0)
  events.on('purge', (done) => {
    const modeIndex = mode.indexOf(done.mode === 'purge' ? 'hard' : 'soft')
    for (const name of kindsIn(done.selectors)) {
      purges.add(purges.sets.slotOf(kind.indexOf(name), modeIndex, outcome.indexOf(done.outcome)), 1)
    }
    const { receipt } = done
    if (receipt !== undefined && receipt.nodes.acked >= receipt.nodes.expected) {
      propagation.observe(everywhere, done.tookMs)
    }
  })
  return [
    purges,
    propagation,
    gauge(POSITION, () => [{ value: log().position }]),
    gauge(SYNCED, () => [{ value: log().synced ? 1 : 0 }]),
  ]
}

function kindsIn({ tags = [], urls = [], prefixes = [], all = false }: Selectors): (typeof KINDS)[number][] {
  const present = { tag: tags.length > 0, url: urls.length > 0, prefix: prefixes.length > 0, all }
  return KINDS.filter((kind) => present[kind])
}
