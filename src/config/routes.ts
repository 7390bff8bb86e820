/** The routes in effect: defaults filled in, implied routes added. */
import type { RouteMatch, Rules } from '../model.ts'
import type { OriginConfig, RouteConfig } from './resolved.ts'
import { DEFAULT_RULES } from './defaults.ts'
import type { FileConfig } from './schema.ts'
import type { Settings } from './settings.ts'
import { DEFAULT_NAME } from './sources.ts'

/** The rules that are the same for all routes. */
type CommonRules = Pick<Rules, 'maxObjectBytes' | 'via'>

type FileRoute = NonNullable<FileConfig['routes']>[number]

/** With one origin a catch-all for it comes last; without routes, the origins of flags or environment get one. */
export function routesOf(
  settings: Settings,
  routes: readonly FileRoute[],
  origins: readonly OriginConfig[],
  common: CommonRules,
): RouteConfig[] {
  const rulesOf = (route: FileRoute | undefined) => rules(route, settings, common)
  const given = routes.map((route) => ({
    name: route.name,
    match: matchOf(route),
    origin: route.origin,
    rules: rulesOf(route),
  }))
  const [only, ...others] = origins.map(({ name }) => name)
  const target = others.length === 0 ? only : undefined
  const implied = target ?? (routes.length === 0 && settings.origin !== undefined ? DEFAULT_NAME : undefined)
  if (implied === undefined || given.some(isCatchAll)) return given
  const name = freeName(given.map((route) => route.name))
  return [...given, { name, match: {}, origin: implied, rules: rulesOf(undefined) }]
}

function freeName(taken: readonly string[]): string {
  let name = DEFAULT_NAME
  for (let next = 2; taken.includes(name); next++) name = `${DEFAULT_NAME}-${next}`
  return name
}

/** Without the members that are absent. */
const matchOf = ({ match: { host, path, methods } }: FileRoute): RouteMatch => ({
  ...(host !== undefined && { host }),
  ...(path !== undefined && { path }),
  ...(methods !== undefined && { methods }),
})

/** No route after it is ever reached. */
export const isCatchAll = ({ match }: Pick<RouteConfig, 'match'>): boolean =>
  match.host === undefined && match.methods === undefined && (match.path === undefined || match.path === '/*')

function rules(route: FileRoute | undefined, settings: Settings, common: CommonRules): Rules {
  const { grace, cookies } = DEFAULT_RULES
  const ofSettings = {
    ...DEFAULT_RULES,
    ...common,
    ttl: settings.ttl,
    grace: settings.grace ?? grace,
    softTimeout: settings.softTimeout,
    cookies: settings.cookies ?? cookies,
  }
  if (route === undefined) return ofSettings
  return {
    ttl: route.ttl ?? ofSettings.ttl,
    override: route.override,
    grace: route.grace ?? ofSettings.grace,
    softTimeout: route.softTimeout ?? ofSettings.softTimeout,
    refreshAhead: route.refreshAhead,
    cookies: route.cookies ?? ofSettings.cookies,
    errorTtlMax: route.errorTtlMax,
    tags: route.tags,
    key: {
      sortQuery: route.key.query.sort,
      ignoreQuery: route.key.query.ignore,
      headers: route.key.headers,
      cookies: route.key.cookies,
    },
    statusTtl: new Map(Object.entries(route.statusTtl).map(([status, ttl]) => [Number(status), ttl])),
    bypass: route.bypass,
    webSockets: route.webSockets,
    ...common,
  }
}
