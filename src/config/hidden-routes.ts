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
const MOST_COMPARED = 500_000

export function hiddenRoutes(routes: readonly RouteConfig[]): Hidden[] {
  const reached: RouteConfig[] = []
  const hidden: Hidden[] = []
  let takesAll: RouteConfig | undefined
  let compared = 0
  for (const route of routes) {
    if (takesAll === undefined) compared += reached.length
    const mayBeBehind = compared > MOST_COMPARED ? [] : reached
    const by = takesAll ?? mayBeBehind.find(({ match }) => takesAllOf(match, route.match))
    if (by !== undefined) hidden.push({ name: route.name, by: by.name })
    else if (isCatchAll(route)) takesAll = route
    else reached.push(route)
  }
  return hidden
}

/** Compares as src/policy/route.ts matches requests. */
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
