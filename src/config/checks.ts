/**
 * Checks across values: names that must be unique or exist, ports that must differ, an admin port open to others. All
 * of them work on values that may be invalid, so that one start reports every fault.
 */
import { chaosFaults } from './checks/chaos.ts'
import { type Fault, listed } from './fault.ts'
import { listenerFaults } from './checks/listeners.ts'
import { routeFaults } from './checks/routes.ts'
import { listAt, mapAt } from './raw-values.ts'
import { definesDefaultPool, type Sources } from './sources.ts'
import { storeFaults } from './checks/stores.ts'
import { tokenFaults } from './checks/tokens.ts'

export function crossFaults(sources: Sources): Fault[] {
  return [
    ...originFaults(sources),
    ...routeFaults(sources),
    ...storeFaults(sources),
    ...listenerFaults(sources),
    ...tokenFaults(sources),
    ...chaosFaults(sources),
  ]
}

function originFaults(sources: Sources): Fault[] {
  const { document } = sources
  const isUnreadable = document !== undefined && document.value === undefined
  if (isUnreadable || definesDefaultPool(sources)) return []
  const names = Object.keys(mapAt(document?.value, 'origins'))
  if (names.length === 0) {
    const message = 'no origin to ask: give --origin URL, set HERDGATE_ORIGIN, or list one under "origins" in the file'
    return [{ where: '--origin', key: 'origins', message }]
  }
  if (names.length === 1 || document === undefined || listAt(document.value, 'routes').length > 0) return []
  const message = `required: expected at least one route, as there are ${names.length} origins (${listed(names)})`
  return [{ where: document.place(['origins'], 'key'), key: 'routes', message }]
}
