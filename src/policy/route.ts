/** Which route a request belongs to. */
import type { Route, RouteMatch } from '../model.ts'
import { FEW, positionsFor } from './route-index.ts'
import { splitUrl } from './target.ts'

/**
 * The first route that matches. `misdirected` if no route is for that host (RFC 9110 section 15.5.20), `unknown_route`
 * if one is, but not for this path or method.
 * @param url as made by parseTarget
 */
export function matchRoute(
  routes: readonly Route[],
  method: string,
  url: string,
): Route | 'unknown_route' | 'misdirected' {
  return routes.length <= FEW ? matchInTurn(routes, method, url) : matchByHost(routes, method, url)
}

/** Reference implementation of `matchRoute`, and the fastest one for few routes. */
export function matchInTurn(routes: readonly Route[], method: string, url: string): ReturnType<typeof matchRoute> {
  const { scheme, authority, target } = splitUrl(url)
  let hostKnown = false
  for (const route of routes) {
    if (!matchesHost(route.match.host, authority, scheme)) continue
    hostKnown = true
    if (matchesPath(route.match.path, target) && matchesMethod(route.match.methods, method)) return route
  }
  return hostKnown ? 'unknown_route' : 'misdirected'
}

/** The same, without looking at routes for other hosts. */
function matchByHost(routes: readonly Route[], method: string, url: string): ReturnType<typeof matchRoute> {
  const { scheme, authority, target } = splitUrl(url)
  const lists = positionsFor(routes, authority.replace(PORT, ''), withPort(authority, scheme))
  let first = routes.length
  for (const positions of lists) {
    for (const at of positions) {
      const match = routes[at]?.match
      if (match === undefined || at >= first) break
      if (matchesPath(match.path, target) && matchesMethod(match.methods, method)) first = at
    }
  }
  return routes[first] ?? (lists.length > 0 ? 'unknown_route' : 'misdirected')
}

function matchesHost(pattern: string | undefined, authority: string, scheme: string): boolean {
  if (pattern === undefined) return true
  const wanted = pattern.toLowerCase()
  const host = PORT.test(wanted) ? withPort(authority, scheme) : authority.replace(PORT, '')
  return wanted.startsWith('*.') ? host.endsWith(wanted.slice(1)) && host.length >= wanted.length : host === wanted
}

const PORT = /:\d+$/

/** The authority with the scheme's default port if it has none. */
const withPort = (authority: string, scheme: string): string =>
  PORT.test(authority) ? authority : `${authority}:${scheme === 'https' ? 443 : 80}`

/** Compares the raw bytes, which are also what the origin gets. */
function matchesPath(pattern: string | undefined, target: string): boolean {
  if (pattern === undefined) return true
  if (pattern.endsWith('*')) return target.startsWith(pattern.slice(0, -1))
  return target === pattern || (target.startsWith(pattern) && target[pattern.length] === '?')
}

/** HEAD asks for what GET would give (RFC 9110 section 9.3.2). */
function matchesMethod(methods: RouteMatch['methods'], method: string): boolean {
  return methods === undefined || methods.includes(method) || (method === 'HEAD' && methods.includes('GET'))
}
