/** Names of routes are unique, and their origins exist. */
import type { ParsedDocument } from '../document.ts'
import { type Fault, faultMessage, listed } from '../fault.ts'
import { suggestions } from '../nearest.ts'
import { asMap, listAt, mapAt } from '../raw-values.ts'
import { DEFAULT_NAME, definesDefaultPool, type Sources } from '../sources.ts'

export function routeFaults(sources: Sources): Fault[] {
  const { document } = sources
  if (document === undefined) return []
  const origins = Object.keys(mapAt(document.value, 'origins')).concat(definesDefaultPool(sources) ? DEFAULT_NAME : [])
  const routes = listAt(document.value, 'routes').map(asMap)
  const [repeated, unknown] = [repeatedNames(document), unknownOrigins(origins, document)]
  return routes.flatMap((route, at) => [...repeated(route['name'], at), ...unknown(route['origin'], at)])
}

type Check = (name: unknown, at: number) => Fault[]

function repeatedNames({ place }: ParsedDocument): Check {
  const seen = new Set<string>()
  return (name, at) => {
    if (typeof name !== 'string') return []
    if (!seen.has(name)) {
      seen.add(name)
      return []
    }
    const where = place(['routes', at, 'name'], 'value')
    return [{ where, key: `routes[${at}].name`, message: `expected a name no other route has, got "${name}" again` }]
  }
}

function unknownOrigins(origins: readonly string[], { place }: ParsedDocument): Check {
  const known = new Set(origins)
  const phrase = origins.length === 0 ? 'the name of an origin' : `the name of an origin (${listed(origins)})`
  const meant = suggestions(origins)
  return (origin, at) => {
    if (typeof origin !== 'string' || known.has(origin)) return []
    const where = place(['routes', at, 'origin'], 'value')
    return [{ where, key: `routes[${at}].origin`, message: faultMessage(phrase, origin, meant(origin)) }]
  }
}
