import type { IncomingHttpHeaders } from 'node:http'
import { demoPage } from './page.ts'
import type { Products } from './products.ts'

/** A request that has reached the slow API, with all that its answer depends on. */
export interface ApiRequest {
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

type Resource = (request: ApiRequest) => Reply

/** Share of requests that /flaky fails. */
const FLAKY_ERROR_RATE = 0.3

const GREETINGS = { en: 'Results for', de: 'Ergebnisse für', fr: 'Résultats pour' } as const

/** The resources of the slow API that are sent in one piece once the latency has passed. */
const RESOURCES: Readonly<Record<string, Resource>> = {
  '/': home,
  '/search': (request) => search(request),
  '/flaky': flaky,
  '/private': personal,
  '/account': account,
  '/no-store': (request) => json(request, 'no-store', { about: 'never stored by anyone' }),
  '/swr': (request) =>
    json(request, 'public, max-age=2, stale-while-revalidate=60', {
      about: 'fresh for 2 s, then answered stale at once while it is fetched again',
    }),
  '/sie': (request) =>
    json(request, 'public, max-age=2, stale-if-error=600', {
      about: 'fresh for 2 s, kept for 10 min against an outage',
    }),
  '/early-hints': (request) =>
    json(request, 'public, max-age=10', { about: 'announced by 103 (Early Hints) while it was still being made' }),
}

/** The answer of the slow API to one request, without the delay. */
export function answer(request: ApiRequest): Reply {
  const productId = /^\/products\/([^/]+)$/.exec(request.path)?.[1]
  if (productId !== undefined) return product(request, productId)
  if (request.path === '/search' && request.method === 'QUERY')
    return search(request, new URLSearchParams(request.content))
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return methodNotAllowed(request, request.path === '/search' ? 'GET, HEAD, QUERY' : 'GET, HEAD')
  }
  const resource = Object.hasOwn(RESOURCES, request.path) ? RESOURCES[request.path] : undefined
  return resource === undefined ? notFound(request) : resource(request)
}

/** The 503 of an outage or of an error rate. */
export function unavailable(request: ApiRequest): Reply {
  return json(request, 'no-store', { error: 'the slow API is having a bad moment' }, 503)
}

function home(request: ApiRequest): Reply {
  const { hits: originHits, latencyMs, dashboard } = request
  const body = demoPage({ generatedAt: new Date(request.now), originHits, latencyMs, dashboard })
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

function product(request: ApiRequest, id: string): Reply {
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return showProduct(request, id)
    case 'POST': {
      const changed = request.products.change(id)
      // Earlier search results may be out of date.
      return changed === undefined ? notFound(request) : json(request, 'no-store', changed, 200, GROUP_INVALIDATION)
    }
    default:
      return methodNotAllowed(request, 'GET, HEAD, POST')
  }
}

/** The cache group of searches (RFC 9875). */
const GROUP = '"products"'
const GROUP_INVALIDATION = { 'Cache-Group-Invalidation': GROUP }

function showProduct(request: ApiRequest, id: string): Reply {
  const found = request.products.find(id)
  if (found === undefined) return notFound(request)
  // Weak: generatedAt and originHits differ between two answers of the same version (RFC 9110 section 8.8.1).
  const etag = `W/"product-${found.id}-${found.version}"`
  const cacheControl = 'public, max-age=10, stale-while-revalidate=30, stale-if-error=600'
  const extra = { ETag: etag, 'Surrogate-Key': `product-${found.id} products` }
  if (noneMatch(request.fields['if-none-match'], etag)) return json(request, cacheControl, found, 200, extra)
  return { status: 304, fields: { 'Cache-Control': cacheControl, ...extra }, body: '' }
}

/** RFC 9110 section 13.1.2, by weak comparison. */
function noneMatch(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return true
  const opaque = etag.replace(/^W\//, '')
  return ifNoneMatch.trim() !== '*' && !ifNoneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '') === opaque)
}

/** @param form the query of the URL, or a form in the content of a QUERY */
function search(request: ApiRequest, form = request.query): Reply {
  const query = (form.get('q') ?? '').slice(0, 100)
  const language = languageOf(request.fields['accept-language'])
  const results = query === '' ? [] : [1, 2, 3].map((rank) => `${query} ${rank}`)
  return json(request, 'public, max-age=30', { title: `${GREETINGS[language]} "${query}"`, results }, 200, {
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

function flaky(request: ApiRequest): Reply {
  if (request.chance < FLAKY_ERROR_RATE) return unavailable(request)
  return json(request, 'public, max-age=2, stale-if-error=600', { about: 'fails three times in ten' })
}

function personal(request: ApiRequest): Reply {
  if (request.fields.authorization === undefined) {
    return json(request, 'no-store', { error: 'say who you are' }, 401, {
      'WWW-Authenticate': 'Bearer realm="slow API"',
    })
  }
  return json(request, 'private, max-age=60', { about: 'for you alone' })
}

/** Cacheable by its Cache-Control and personal by its cookie: the classic mistake. */
function account(request: ApiRequest): Reply {
  return json(request, 'max-age=60', { about: 'sets a cookie, so it must not be shared' }, 200, {
    'Set-Cookie': `visit=${request.hits}; Path=/account; HttpOnly; SameSite=Lax`,
  })
}

function notFound(request: ApiRequest): Reply {
  return json(request, 'public, max-age=10', { error: 'there is nothing here' }, 404)
}

function methodNotAllowed(request: ApiRequest, allow: string): Reply {
  return json(request, 'no-store', { error: 'this method is not allowed here' }, 405, { Allow: allow })
}

/** JSON that tells a cached answer from a fresh one: when it was made, and how often the API had been asked. */
function json(
  request: ApiRequest,
  cacheControl: string,
  content: object,
  status = 200,
  extra: Readonly<Record<string, string>> = {},
): Reply {
  const shown = { ...content, generatedAt: new Date(request.now).toISOString(), originHits: request.hits }
  return {
    status,
    fields: { 'Content-Type': 'application/json', 'Cache-Control': cacheControl, ...extra },
    body: `${JSON.stringify(shown, null, 2)}\n`,
  }
}
