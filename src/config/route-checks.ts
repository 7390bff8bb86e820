/** Names of routes are unique, and their origins exist. */
import type { ParsedDocument } from './document.ts'
import { complaint, type Fault } from './fault.ts'
import { nearest } from './nearest.ts'
import { asMap, DEFAULT_NAME, givesPool, listAt, mapAt, type Sources } from './sources.ts'

export function routeFaults(sources: Sources): Fault[] {
  const { document } = sources
  if (document === undefined) return []
  const origins = Object.keys(mapAt(document.value, 'origins')).concat(givesPool(sources) ? DEFAULT_NAME : [])
  const routes = listAt(document.value, 'routes').map(asMap)
  const names = routes.map(({ name }) => name)
  return routes.flatMap((route, at) => [
    ...repeatedName(names, at, document),
    ...unknownOrigin(route['origin'], origins, at, document),
  ])
}

function repeatedName(names: readonly unknown[], at: number, { place }: ParsedDocument): Fault[] {
  const name = names[at]
  if (typeof name !== 'string' || names.indexOf(name) === at) return []
  const where = place(['routes', at, 'name'], 'value')
  return [{ where, key: `routes[${at}].name`, message: `expected a name no other route has, got "${name}" again` }]
}

function unknownOrigin(origin: unknown, known: readonly string[], at: number, { place }: ParsedDocument): Fault[] {
  if (typeof origin !== 'string' || known.includes(origin)) return []
  const phrase = known.length === 0 ? 'the name of an origin' : `the name of an origin (${known.join(', ')})`
  const where = place(['routes', at, 'origin'], 'value')
  return [{ where, key: `routes[${at}].origin`, message: complaint(phrase, origin, nearest(origin, known)) }]
}
