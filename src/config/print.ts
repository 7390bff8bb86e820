/** Prints a configuration as a file that gives the same configuration. */
import { stringify } from 'yaml'
import type { z } from 'zod'
import type { ChaosRules } from '../chaos/fate.ts'
import { durationText, sizeText } from '../units.ts'
import type { Limits } from './defaults.ts'
import type { Config, LimitedToken, OriginConfig, RouteConfig, StoreConfig } from './resolved.ts'
import type { fileSchema } from './schema.ts'

type File = z.input<typeof fileSchema>

/** Variables that are printed in place of secrets. */
const ADMIN_TOKEN = '${ADMIN_TOKEN}'
const CACHE_SECRET = '${CACHE_SECRET}'
const REDIS_PASSWORD = '${REDIS_PASSWORD}'

/**
 * The configuration in effect, wherever its values come from. Secrets become variables; a comment lists the flags that
 * the file has no keys for.
 */
export function printConfig(config: Config): string {
  const { logLevel, chaos } = config
  const flags = [
    ...(logLevel === 'info' ? [] : [`--log-level ${logLevel}`]),
    ...(chaos === undefined ? [] : ['--chaos']),
  ]
  const comment = flags.length === 0 ? '' : `# to be run with ${flags.join(' ')}\n`
  return comment + stringify(fileOf(config), { lineWidth: 0 })
}

function fileOf({ listen, admin, workers, origins, routes, limits, store, lane, lease, chaos }: Config): File {
  return {
    version: 1,
    listen: { ...listen, trustProxy: [...listen.trustProxy], drainDelay: durationText(listen.drainDelay) },
    admin: adminOf(admin),
    workers,
    origins: Object.fromEntries(origins.map((origin) => [origin.name, originOf(origin)])),
    routes: routes.map(routeOf),
    limits: limitsOf(limits),
    store: storeOf(store),
    lane: lane ? 'on' : 'off',
    coherence: { lease: durationText(lease) },
    ...(chaos !== undefined && { chaos: chaosOf(chaos) }),
  }
}

function adminOf({ host, port, token, tokens }: Config['admin']): File['admin'] {
  return {
    host,
    port,
    ...(token !== undefined && { token: ADMIN_TOKEN }),
    ...(tokens.length > 0 && { tokens: tokens.map(limitedTokenOf) }),
  }
}

const limitedTokenOf = ({ name, read, tags, prefixes }: LimitedToken, at: number) => ({
  name,
  token: `\${ADMIN_TOKEN_${at + 1}}`,
  read,
  tags: tags.map(literal),
  prefixes: prefixes.map(literal),
})

const originOf = ({ urls, maxConcurrency, ...times }: OriginConfig) => ({
  urls: urls.map(literal),
  connectTimeout: durationText(times.connectTimeout),
  headersTimeout: durationText(times.headersTimeout),
  bodyTimeout: durationText(times.bodyTimeout),
  totalTimeout: durationText(times.totalTimeout),
  maxConcurrency,
})

function routeOf({ name, match, origin, rules }: RouteConfig): NonNullable<File['routes']>[number] {
  const { host, path, methods } = match
  const { key } = rules
  return {
    name,
    match: {
      ...(host !== undefined && { host }),
      ...(path !== undefined && { path: literal(path) }),
      ...(methods !== undefined && { methods: [...methods] }),
    },
    origin,
    ...(rules.ttl !== undefined && { ttl: durationText(rules.ttl) }),
    override: rules.override,
    grace: durationText(rules.grace),
    ...(rules.softTimeout !== undefined && { softTimeout: durationText(rules.softTimeout) }),
    ...(rules.refreshAhead !== undefined && { refreshAhead: rules.refreshAhead }),
    cookies: rules.cookies,
    errorTtlMax: durationText(rules.errorTtlMax),
    tags: rules.tags.map(literal),
    key: {
      query: { sort: key.sortQuery, ignore: key.ignoreQuery.map(literal) },
      headers: key.headers.map(literal),
      cookies: key.cookies.map(literal),
    },
    statusTtl: Object.fromEntries([...rules.statusTtl].map(([status, ttl]) => [String(status), durationText(ttl)])),
    bypass: rules.bypass,
    webSockets: rules.webSockets,
  }
}

const limitsOf = (limits: Limits) => ({
  maxConnections: limits.maxConnections,
  headBytes: sizeText(limits.headBytes),
  headTimeout: durationText(limits.headTimeout),
  idleTimeout: durationText(limits.idleTimeout),
  minRate: sizeText(limits.minRate),
  minRateWindow: durationText(limits.minRateWindow),
  maxWaiting: limits.maxWaiting,
  maxBodiesInProgress: sizeText(limits.maxBodiesInProgress),
})

function storeOf({ memory, disk, redis }: StoreConfig): NonNullable<File['store']> {
  return {
    memory: {
      maxBytes: sizeText(memory.maxBytes),
      maxObjectBytes: sizeText(memory.maxObjectBytes),
      admission: memory.admission,
    },
    ...(disk !== undefined && { disk: { path: literal(disk.path), maxBytes: sizeText(disk.maxBytes) } }),
    ...(redis !== undefined && {
      redis: {
        url: withoutPassword(redis.url),
        prefix: redis.prefix,
        deadline: durationText(redis.deadline),
        maxObjectBytes: sizeText(redis.maxObjectBytes),
        ...(redis.secret !== undefined && { secret: CACHE_SECRET }),
      },
    }),
  }
}

function chaosOf({ seed, store: { memory, disk, redis }, origins }: NonNullable<Config['chaos']>): File['chaos'] {
  return {
    seed,
    store: {
      ...(memory !== undefined && { memory: faultsOf(memory) }),
      ...(disk !== undefined && { disk: withDamage(disk) }),
      ...(redis !== undefined && { redis: withDamage(redis) }),
    },
    origins: Object.fromEntries(Object.entries(origins).map(([name, rules]) => [name, withDamage(rules)])),
  }
}

const withDamage = (rules: ChaosRules) => ({ ...faultsOf(rules), corruption: rules.corruption })

const faultsOf = ({ errorRate, delay, partition }: ChaosRules) => ({
  errorRate,
  delay: `${durationText(delay.min)}..${durationText(delay.max)}`,
  ...(partition !== undefined && {
    partition: { every: durationText(partition.every), for: durationText(partition.for) },
  }),
})

/** Escapes text so that nothing in it is taken for a variable. */
const literal = (text: string): string => text.replaceAll('${', () => '$${')

const withoutPassword = (url: string): string => {
  const [, before, after] = /^([^@/]*:\/\/[^@/:]*:)[^@/]+(@.*)$/.exec(url) ?? []
  return before === undefined || after === undefined ? literal(url) : literal(before) + REDIS_PASSWORD + literal(after)
}
