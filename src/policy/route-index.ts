/** Where in a list the routes for one host are: of thousands, few are for the host of a request. */
import type { Route } from '../model.ts'

/** So many are gone through as fast. */
export const FEW = 16

/** Positions in the list, in order. */
type Positions = readonly number[]

interface Index {
  readonly of: readonly Route[]
  /** By pattern, lower-cased; undefined is any host. */
  readonly byHost: ReadonlyMap<string | undefined, Positions>
  readonly hasWildcards: boolean
}

/** Those of all routes for a host: list by list, each in order and none empty. */
export function positionsFor(routes: readonly Route[], withoutPort: string, withPort: string): Positions[] {
  const { byHost, hasWildcards } = indexOf(routes)
  const lists = [byHost.get(withoutPort), byHost.get(withPort), byHost.get(undefined)]
  // "*." stands for at least one octet, and for more than one label.
  for (let dot = hasWildcards ? withoutPort.indexOf('.', 1) : -1; dot !== -1; dot = withoutPort.indexOf('.', dot + 1)) {
    lists.push(byHost.get(`*${withoutPort.slice(dot)}`), byHost.get(`*${withPort.slice(dot)}`))
  }
  return lists.filter((list) => list !== undefined)
}

const indexes = new WeakMap<readonly Route[], Index>()

/** Made once for what is in a list, which a reload changes in place. */
function indexOf(routes: readonly Route[]): Index {
  const known = indexes.get(routes)
  if (known !== undefined && hasSame(routes, known.of)) return known
  const made = indexed(routes)
  indexes.set(routes, made)
  return made
}

/** Ten thousand are compared in microseconds. */
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
