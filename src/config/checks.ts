/**
 * What single values cannot show: names that must be unique or exist, ports that must differ, an admin port open to
 * others. All of it works on values that may be invalid, so that one start shows every fault.
 */
import { isLoopback, overlap } from './addresses.ts'
import { chaosFaults } from './chaos-checks.ts'
import type { ParsedDocument } from './document.ts'
import { complaint, type Fault } from './fault.ts'
import { nearest } from './nearest.ts'
import {
  asMap,
  DEFAULT_NAME,
  givesPool,
  isGiven,
  isMap,
  type Listeners,
  listAt,
  listeners,
  mapAt,
  type Sources,
} from './sources.ts'

export function crossFaults(sources: Sources): Fault[] {
  const used = listeners(sources)
  return [
    ...originFaults(sources),
    ...routeFaults(sources),
    ...storeFaults(sources),
    ...openAdminFaults(sources, used),
    ...samePortFaults(used),
    ...chaosFaults(sources),
  ]
}

function originFaults(sources: Sources): Fault[] {
  const { document } = sources
  const isUnreadable = document !== undefined && document.value === undefined
  if (isUnreadable || givesPool(sources)) return []
  const names = Object.keys(mapAt(document?.value, 'origins'))
  if (names.length === 0) {
    const message = 'no origin to ask: give --origin URL, set HERDGATE_ORIGIN, or list one under "origins" in the file'
    return [{ where: '--origin', key: 'origins', message }]
  }
  if (names.length === 1 || document === undefined || listAt(document.value, 'routes').length > 0) return []
  const message = `required: expected at least one route, as there are ${names.length} origins (${names.join(', ')})`
  return [{ where: document.place(['origins'], 'key'), key: 'routes', message }]
}

// --------------------------------------------------------------------------------------------------- routes

function routeFaults(sources: Sources): Fault[] {
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

// --------------------------------------------------------------------------------------------------- stores

/** What a tier in the file cannot be without, and what else can give it. */
const NEEDED = [
  { tier: 'disk', member: 'path', phrase: 'the path of a folder', ways: '--disk or HERDGATE_DISK' },
  { tier: 'redis', member: 'url', phrase: 'a URL', ways: '--redis, HERDGATE_REDIS or REDIS_URL' },
] as const

function storeFaults({ flags, env, document }: Sources): Fault[] {
  if (document === undefined) return []
  const tiers = mapAt(document.value, 'store')
  return NEEDED.filter(
    ({ tier, member }) => isMap(tiers[tier]) && asMap(tiers[tier])[member] === undefined && !isGiven(tier, flags, env),
  ).map(({ tier, member, phrase, ways }) => ({
    where: document.place(['store', tier], 'key'),
    key: `store.${tier}.${member}`,
    message: `required: expected ${phrase} here, or by ${ways}`,
  }))
}

// ------------------------------------------------------------------------------------------------- listeners

function openAdminFaults({ flags, env, document }: Sources, { adminHost, where }: Listeners): Fault[] {
  const hasToken = isGiven('adminToken', flags, env) || mapAt(document?.value, 'admin')['token'] !== undefined
  if (isLoopback(adminHost) || hasToken) return []
  const ways = '--admin-token, HERDGATE_ADMIN_TOKEN, HERDGATE_ADMIN_TOKEN_FILE or admin.token'
  const message = `required: expected a token (${ways}), as the admin port would be open to others on ${adminHost}`
  return [{ where: where('adminHost') ?? '--admin-host', key: 'admin.token', message }]
}

function samePortFaults({ host, port, adminHost, adminPort, where }: Listeners): Fault[] {
  if (port !== adminPort || port === 0 || !overlap(host, adminHost)) return []
  const admin = where('adminPort')
  const [place, key, other] =
    admin === undefined ? [where('port'), 'listen.port', 'admin'] : [admin, 'admin.port', 'data']
  return [{ where: place ?? '--port', key, message: `expected another port than ${port}, which is the ${other} port` }]
}
