import type { FastifyInstance } from 'fastify'
import { proxyRoute } from '../../routes/proxy.ts'
import { parseOriginUrl } from '../config/addresses.ts'
import { DEFAULT_MEMORY_BYTES, DEFAULT_RULES } from '../config/defaults.ts'
import { Events } from '../events.ts'
import { createCache } from './embed.ts'
import { countRequests } from './requests-in-progress.ts'
import type { PluginOptions } from '../config/plugin-options.ts'
import type { Cache } from '../cache/create-cache.ts'
import type { Duration } from '../cache/values/options.ts'
import type { RouteMatch, Rules } from '../model.ts'
import { createOrigin } from './http.ts'
import { createPeers } from '../ports/peers.ts'
import { memoryStore } from '../stores/memory/store.ts'

/** Options of the Fastify plugin. Defaults are those of `herdgate serve`. */
export interface HerdgateOptions {
  /** One URL, or several that are used in rotation. */
  readonly origin: string | readonly string[]
  /** Which requests it answers; others get 404, or 421 if their host does not match. */
  readonly match?: RouteMatch | undefined
  /** Lifetime for responses that state none. */
  readonly ttl?: Duration | undefined
  /** `ttl` and `grace` win over the response's own directives. */
  readonly override?: boolean | undefined
  /** How long past expiry a copy may still be used when the origin fails or is slow; `1h` by default. */
  readonly grace?: Duration | undefined
  /** A refresh slower than this is answered from the stale copy and continues; `0s` is stale-while-revalidate. */
  readonly softTimeout?: Duration | undefined
  /** Share of the lifetime, above 0 and below 1, after which a hit refreshes in the background. */
  readonly refreshAhead?: number | undefined
  /** `safe`, the default, stores nothing personal, `rfc` follows RFC 9111, `ignore` drops cookies. */
  readonly cookies?: Rules['cookies'] | undefined
  /** Added to the response's own tags. */
  readonly tags?: readonly string[] | undefined
  /** Size of its cache, in bytes or as text; `256MiB` by default. */
  readonly memory?: number | string | undefined
  /** Name of this cache in Via. A request that already bears it has looped and gets 508. */
  readonly via?: string | undefined
  /** Addresses, CIDR ranges or `loopback`: proxies whose X-Forwarded-* fields are trusted. */
  readonly trustProxy?: readonly string[] | undefined
  /** Gets the cache, to purge it and to listen to its events. */
  readonly onCache?: ((cache: Cache) => void) | undefined
}

/**
 * A Fastify plugin that answers everything below its prefix from an origin, through a cache of its own. The origin is
 * asked for the whole path, including the prefix. Requests that Fastify refuses before routing, or does not route, do
 * not reach the plugin.
 */
export async function herdgate(app: FastifyInstance, options: HerdgateOptions): Promise<void> {
  if (app.initialConfig.http2 === true) throw new TypeError(HTTP1_EXPECTED)
  const urls = [options.origin].flat()
  if (urls.length === 0 || !urls.every(isOriginUrl)) throw new TypeError(ORIGIN_EXPECTED)
  // By `import()`: this takes longer to load than the rest of the library, which most use without the plugin.
  const { readPluginOptions } = await import('../config/plugin-options.ts')
  const given = readPluginOptions(options)
  const peerOf = createPeers(given.trustProxy ?? [])
  const origin = createOrigin({ name: 'default', urls })
  const route = { name: 'default', match: given.match ?? {}, origin, rules: rulesOf(given) }
  const events = new Events()
  const store = memoryStore({ maxBytes: given.memory ?? DEFAULT_MEMORY_BYTES, events })
  const cache = createCache({ routes: [route], store, events })
  options.onCache?.(cache)
  const allAnswered = countRequests(app)
  proxyRoute(app, { cache, peerOf })
  app.addHook('onClose', async () => {
    await allAnswered()
    await origin.close(AbortSignal.abort()) // nobody waits for what is still being fetched
    await cache.close()
  })
}

const HTTP1_EXPECTED = 'herdgate: expected a Fastify instance without "http2": over HTTP/2 the plugin answers nothing'

/** Does not repeat what was given, which may hold a password. */
const ORIGIN_EXPECTED =
  'herdgate: expected "origin" to be one http:// or https:// URL or several, without user, query or fragment'

const isOriginUrl = (given: unknown): boolean => typeof given === 'string' && parseOriginUrl(given) !== undefined

function rulesOf({ ttl, override, grace, softTimeout, refreshAhead, cookies, tags, via }: PluginOptions): Rules {
  return {
    ...DEFAULT_RULES,
    ttl,
    override: override ?? DEFAULT_RULES.override,
    grace: grace ?? DEFAULT_RULES.grace,
    softTimeout,
    refreshAhead,
    cookies: cookies ?? DEFAULT_RULES.cookies,
    tags: tags ?? DEFAULT_RULES.tags,
    via: via ?? DEFAULT_RULES.via,
  }
}
