import type { IncomingHttpHeaders } from 'node:http'
import { demoPage } from './page.ts'
import type { Products } from './products.ts'

/** A request that has reached the slow API, with all that its answer depends on. */
export interface Ask {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly fields: IncomingHttpHeaders
  readonly content: string
  /** When the answer is made, epoch milliseconds. */
  readonly now: number
  /** How often the API has been asked for this path, this time included. */
  readonly hits: number
  readonly latencyMs: number
  readonly products: Products
  /** A random number from 0 up to 1, drawn for this request. */
  readonly chance: number
  /** URL of the dashboard, if there is one. */
  readonly dashboard?: string | undefined
}

export interface Reply {
  readonly status: number
  readonly fields: Readonly<Record<string, string>>
  readonly body: string
}

type Resource = (ask: Ask) => Reply

/** Share of requests that /flaky fails. */
const FLAKY_ERROR_RATE = 0.3

const GREETINGS = { en: 'Results for', de: 'Ergebnisse für', fr: 'Résultats pour' } as const

/** The resources of the slow API that are sent in one piece once the latency has passed. */
const RESOURCES: Readonly<Record<string, Resource>> = {
  '/': home,
  '/search': (ask) => search(ask),
  '/flaky': flaky,
  '/private': personal,
  '/account': account,
  '/no-store': (ask) => json(ask, 'no-store', { about: 'never stored by anyone' }),
  '/swr': (ask) =>
    json(ask, 'public, max-age=2, stale-while-revalidate=60', {
      about: 'fresh for 2 s, then answered stale at once while it is fetched again',
    }),
  '/sie': (ask) =>
    json(ask, 'public, max-age=2, stale-if-error=600', { about: 'fresh for 2 s, kept for 10 min against an outage' }),
  '/early-hints': (ask) =>
    json(ask, 'public, max-age=10', { about: 'announced by 103 (Early Hints) while it was still being made' }),
}

/** The answer of the slow API to one request, without the delay. */
export function answer(ask: Ask): Reply {
  const productId = /^\/products\/([^/]+)$/.exec(ask.path)?.[1]
  if (productId !== undefined) return product(ask, productId)
  if (ask.path === '/search' && ask.method === 'QUERY') return search(ask, new URLSearchParams(ask.content))
  if (ask.method !== 'GET' && ask.method !== 'HEAD') {
    return methodNotAllowed(ask, ask.path === '/search' ? 'GET, HEAD, QUERY' : 'GET, HEAD')
  }
  const resource = Object.hasOwn(RESOURCES, ask.path) ? RESOURCES[ask.path] : undefined
  return resource === undefined ? notFound(ask) : resource(ask)
}

/** The 503 of an outage or of an error rate. */
export function unavailable(ask: Ask): Reply {
  return json(ask, 'no-store', { error: 'the slow API is having a bad moment' }, 503)
}

function home(ask: Ask): Reply {
  const { hits: originHits, latencyMs, dashboard } = ask
  const body = demoPage({ generatedAt: new Date(ask.now), originHits, latencyMs, dashboard })
  return {
    status: 200,
    fields: {
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-cache', // a browser's own copy would hide what the shared cache does
      'CDN-Cache-Control': 'max-age=30, stale-while-revalidate=300, stale-if-error=3600',
      'Surrogate-Key': 'page',
    },
    body,
  }
}

function product(ask: Ask, id: string): Reply {
  switch (ask.method) {
    case 'GET':
    case 'HEAD':
      return showProduct(ask, id)
    case 'POST': {
      const changed = ask.products.change(id)
      // Earlier search results may be out of date.
      return changed === undefined ? notFound(ask) : json(ask, 'no-store', changed, 200, GROUP_INVALIDATION)
    }
    default:
      return methodNotAllowed(ask, 'GET, HEAD, POST')
  }
}

/** The cache group of searches (RFC 9875). */
const GROUP = '"products"'
const GROUP_INVALIDATION = { 'Cache-Group-Invalidation': GROUP }

function showProduct(ask: Ask, id: string): Reply {
  const found = ask.products.find(id)
  if (found === undefined) return notFound(ask)
  // Weak: generatedAt and originHits differ between two answers of the same version (RFC 9110 section 8.8.1).
  const etag = `W/"product-${found.id}-${found.version}"`
  const cacheControl = 'public, max-age=10, stale-while-revalidate=30, stale-if-error=600'
  const extra = { ETag: etag, 'Surrogate-Key': `product-${found.id} products` }
  if (noneMatch(ask.fields['if-none-match'], etag)) return json(ask, cacheControl, found, 200, extra)
  return { status: 304, fields: { 'Cache-Control': cacheControl, ...extra }, body: '' }
}

/** RFC 9110 section 13.1.2, by weak comparison. */
function noneMatch(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return true
  const opaque = etag.replace(/^W\//, '')
  return ifNoneMatch.trim() !== '*' && !ifNoneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '') === opaque)
}

/** @param asked the query of the URL, or a form in the content of a QUERY */
function search(ask: Ask, asked = ask.query): Reply {
  const query = (asked.get('q') ?? '').slice(0, 100)
  const language = languageOf(ask.fields['accept-language'])
  const results = query === '' ? [] : [1, 2, 3].map((rank) => `${query} ${rank}`)
  return json(ask, 'public, max-age=30', { title: `${GREETINGS[language]} "${query}"`, results }, 200, {
    Vary: 'Accept-Language',
    'Content-Language': language,
    'Surrogate-Key': 'search',
    'Cache-Groups': GROUP,
  })
}

function languageOf(acceptLanguage: string | undefined): keyof typeof GREETINGS {
  const first = acceptLanguage?.trim().slice(0, 2).toLowerCase()
  return first === 'de' || first === 'fr' ? first : 'en'
}

function flaky(ask: Ask): Reply {
  if (ask.chance < FLAKY_ERROR_RATE) return unavailable(ask)
  return json(ask, 'public, max-age=2, stale-if-error=600', { about: 'fails three times in ten' })
}

function personal(ask: Ask): Reply {
  if (ask.fields.authorization === undefined) {
    return json(ask, 'no-store', { error: 'say who you are' }, 401, { 'WWW-Authenticate': 'Bearer realm="slow API"' })
  }
  return json(ask, 'private, max-age=60', { about: 'for you alone' })
}

/** Cacheable by its Cache-Control and personal by its cookie: the classic mistake. */
function account(ask: Ask): Reply {
  return json(ask, 'max-age=60', { about: 'sets a cookie, so it must not be shared' }, 200, {
    'Set-Cookie': `visit=${ask.hits}; Path=/account; HttpOnly; SameSite=Lax`,
  })
}

function notFound(ask: Ask): Reply {
  return json(ask, 'public, max-age=10', { error: 'there is nothing here' }, 404)
}

function methodNotAllowed(ask: Ask, allow: string): Reply {
  return json(ask, 'no-store', { error: 'this method is not allowed here' }, 405, { Allow: allow })
}

/** JSON that tells a cached answer from a fresh one: when it was made, and how often the API had been asked. */
function json(
  ask: Ask,
  cacheControl: string,
  content: object,
  status = 200,
  extra: Readonly<Record<string, string>> = {},
): Reply {
  const shown = { ...content, generatedAt: new Date(ask.now).toISOString(), originHits: ask.hits }
  return {
    status,
    fields: { 'Content-Type': 'application/json', 'Cache-Control': cacheControl, ...extra },
    body: `${JSON.stringify(shown, null, 2)}\n`,
  }
}
