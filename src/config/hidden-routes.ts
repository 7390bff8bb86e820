/** Routes that no request ever comes to. */
import type { RouteMatch } from '../model.ts'
import type { RouteConfig } from './resolved.ts'

interface Hidden {
  readonly name: string
  /** Of the route before it that takes whatever it would. */
  readonly by: string
}

/** So many take some 10 ms: of thousands of routes, those behind the first are not looked at. */
const MOST_COMPARED = 500_000

export function hiddenRoutes(routes: readonly RouteConfig[]): Hidden[] {
  const reached: RouteConfig[] = []
  const hidden: Hidden[] = []
  let compared = 0
  for (const route of routes) {
    compared += reached.length
    if (compared > MOST_COMPARED) break
    const by = reached.find(({ match }) => takesAllOf(match, route.match))
    if (by === undefined) reached.push(route)
    else hidden.push({ name: route.name, by: by.name })
  }
  return hidden
}

/** As requests are matched: src/policy/route.ts. */
const takesAllOf = (one: RouteMatch, other: RouteMatch): boolean =>
  takesHost(one.host, other.host) && takesPath(one.path, other.path) && takesMethods(one.methods, other.methods)

function takesHost(one: string | undefined, other: string | undefined): boolean {
  if (one === undefined || other === undefined) return one === undefined
  return one === other || (one.startsWith('*.') && other.endsWith(one.slice(1)))
}

function takesPath(one = '/*', other = '/*'): boolean {
  return one === other || (one.endsWith('*') && other.startsWith(one.slice(0, -1)))
}

function takesMethods(one: RouteMatch['methods'], other: RouteMatch['methods']): boolean {
  if (one === undefined || other === undefined) return one === undefined
  return other.every((method) => one.includes(method) || (method === 'HEAD' && one.includes('GET')))
}
