/** Index of routes by host: of thousands, only a few apply to a request's host. */
import type { Route } from '../model.ts'

/** Up to this many routes, a linear search is as fast. */
export const FEW = 16

/** Positions in the list, in order. */
type Positions = readonly number[]

interface Index {
  readonly of: readonly Route[]
  /** By lower-cased host pattern; undefined is any host. */
  readonly byHost: ReadonlyMap<string | undefined, Positions>
  readonly hasWildcards: boolean
}

/** Positions of all routes for a host: several lists, each in order and none empty. */
export function positionsFor(routes: readonly Route[], withoutPort: string, withPort: string): Positions[] {
  const { byHost, hasWildcards } = indexOf(routes)
  const lists = [byHost.get(withoutPort), byHost.get(withPort), byHost.get(undefined)]
  // "*." matches at least one character, and one or more labels.
  for (let dot = hasWildcards ? withoutPort.indexOf('.', 1) : -1; dot !== -1; dot = withoutPort.indexOf('.', dot + 1)) {
    lists.push(byHost.get(`*${withoutPort.slice(dot)}`), byHost.get(`*${withPort.slice(dot)}`))
  }
  return lists.filter((list) => list !== undefined)
}

const indexes = new WeakMap<readonly Route[], Index>()

/** Made once per content of a list, which a reload changes in place. */
function indexOf(routes: readonly Route[]): Index {
  const known = indexes.get(routes)
  if (known !== undefined && hasSame(routes, known.of)) return known
  const made = indexed(routes)
  indexes.set(routes, made)
  return made
}

/** Comparing ten thousand takes microseconds. */
function hasSame(routes: readonly Route[], of: readonly Route[]): boolean {
  if (routes.length !== of.length) return false
  for (let at = 0; at < of.length; at++) if (routes[at] !== of[at]) return false
  return true
}

function indexed(routes: readonly Route[]): Index {
  const byHost = Map.groupBy(routes.keys(), (at) => routes[at]?.match.host?.toLowerCase())
  const hasWildcards = [...byHost.keys()].some((host) => host?.startsWith('*.'))
  return { of: routes.slice(), byHost, hasWildcards }
}
