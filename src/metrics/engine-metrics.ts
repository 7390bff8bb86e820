import type { Events } from '../events.ts'
import { Counter } from './counter.ts'
import { Label } from './label-sets.ts'
import { type Member, MAX_ADDED_NAMES } from './labels.ts'
import type { Metric } from './metric.ts'

const COLLAPSE_OUTCOMES: Member<'collapse', 'outcome'> = ['reused', 'refetched', 'timeout']
const MODES: Member<'revalidation', 'mode'> = ['background', 'blocking']
const REVALIDATION_OUTCOMES: Member<'revalidation', 'outcome'> = ['not_modified', 'replaced', 'error']

/** Requests that shared a fetch, and stored responses that were revalidated. */
export function engineMetrics(events: Events, routes: readonly string[]): Metric[] {
  const route = new Label('route', routes, { mostAdded: MAX_ADDED_NAMES })
  const collapseOutcome = new Label('outcome', COLLAPSE_OUTCOMES)
  const mode = new Label('mode', MODES)
  const revalidationOutcome = new Label('outcome', REVALIDATION_OUTCOMES)
  const collapsed = new Counter(
    { name: 'herdgate_collapsed_requests_total', help: 'Requests that found a fetch of their key in progress.' },
    [route, collapseOutcome],
  )
  const revalidations = new Counter(
    { name: 'herdgate_revalidations_total', help: 'Stored responses revalidated with their origin.' },
    [route, mode, revalidationOutcome],
  )
  for (const name of routes) startAtZero(route.indexOf(name))
  events.on('routing', (now) => {
    for (const name of route.add(now.routes)) startAtZero(route.indexOf(name))
  })
  events.on('collapse', ({ route: name, outcome }) =>
    collapsed.add(collapsed.sets.slotOf(route.indexOf(name), collapseOutcome.indexOf(outcome)), 1),
  )
  events.on('revalidation', ({ route: name, mode: how, outcome }) => {
    const slot = revalidations.sets.slotOf(route.indexOf(name), mode.indexOf(how), revalidationOutcome.indexOf(outcome))
    revalidations.add(slot, 1)
  })
  return [collapsed, revalidations]

  function startAtZero(routeIndex: number): void {
    COLLAPSE_OUTCOMES.forEach((_, at) => collapsed.sets.slotOf(routeIndex, at))
    MODES.forEach((_, modeIndex) =>
      REVALIDATION_OUTCOMES.forEach((_, at) => revalidations.sets.slotOf(routeIndex, modeIndex, at)),
    )
  }
}
