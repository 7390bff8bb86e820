/** Routes that no request can reach. */
import type { RouteMatch } from '../model.ts'
import type { RouteConfig } from './resolved.ts'
import { isCatchAll } from './routes.ts'

interface Hidden {
  readonly name: string
  /** Name of the earlier route that matches everything it does. */
  readonly by: string
}

/** This many comparisons take some 10 ms. Beyond that, a route counts as hidden only behind a catch-all. */
const MAX_COMPARED = 500_000

export function hiddenRoutes(routes: readonly RouteConfig[]): Hidden[] {
  const reached: RouteConfig[] = []
  const hidden: Hidden[] = []
  let catchAll: RouteConfig | undefined
  let compared = 0
  for (const route of routes) {
    if (catchAll === undefined) compared += reached.length
    const candidates = compared > MAX_COMPARED ? [] : reached
    const by = catchAll ?? candidates.find(({ match }) => coversAll(match, route.match))
    if (by !== undefined) hidden.push({ name: route.name, by: by.name })
    else if (isCatchAll(route)) catchAll = route
    else reached.push(route)
  }
  return hidden
}

/** Compares as src/policy/route.ts matches requests. */
const coversAll = (one: RouteMatch, other: RouteMatch): boolean =>
  coversHost(one.host, other.host) && coversPath(one.path, other.path) && coversMethods(one.methods, other.methods)

function coversHost(one: string | undefined, other: string | undefined): boolean {
  if (one === undefined || other === undefined) return one === undefined
  return one === other || (one.startsWith('*.') && other.endsWith(one.slice(1)))
}

function coversPath(one = '/*', other = '/*'): boolean {
  return one === other || (one.endsWith('*') && other.startsWith(one.slice(0, -1)))
}

function coversMethods(one: RouteMatch['methods'], other: RouteMatch['methods']): boolean {
  if (one === undefined || other === undefined) return one === undefined
  return other.every((method) => one.includes(method) || (method === 'HEAD' && one.includes('GET')))
}
