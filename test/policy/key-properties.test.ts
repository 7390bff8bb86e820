import { describe, expect, it } from 'vitest'
import { field } from '../../src/fields.ts'
import type { CacheRequest, KeyRules, Route } from '../../src/model.ts'
import { keyOf } from '../../src/policy/key.ts'
import { normalAuthority, parseTarget } from '../../src/policy/target.ts'
import { variantKey } from '../../src/policy/vary.ts'
import fc from '../support/fast-check.ts'
import { requestWith, routeWith, rulesWith, sentUpstream } from './support.ts'
import { fieldsOf } from '../support/fields.ts'

/** Everything that distinguishes one resource, and one variant of it, from another. */
interface Tuple {
  readonly route: string
  readonly scheme: 'http' | 'https'
  readonly authority: string
  readonly path: string
  readonly query: string | undefined
  /** Values of the fields x-a and x-b, and of the cookies c and d. */
  readonly headers: readonly [string | undefined, string | undefined]
  readonly cookies: readonly [string | undefined, string | undefined]
  /** Values of the fields v and w that the response varies on. */
  readonly variant: readonly [string | undefined, string | undefined]
}

/** Short texts of characters that separate the parts of a key, to make collisions likely if they are possible. */
const text = (characters: string, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...characters.split('')), maxLength })
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 })

/** No field value has a line feed on the wire, but a key must not depend on that. */
const value = optional(text('a1:-\n hcv,"', 5))
const cookie = optional(text('a1:-hc"', 4))

const tuples: fc.Arbitrary<Tuple> = fc.record({
  route: fc.constantFrom('r', 'r-1', 'r.http'),
  scheme: fc.constantFrom('http', 'https'),
  authority: fc.constantFrom('a.test', 'a.test:8080', 'a.test:808', 'b.test'),
  path: text('/a:|\\%00hcv-', 5).map((rest) => `/${rest}`),
  query: optional(text('a1=&;:?/%hcv', 5)),
  headers: fc.tuple(value, value),
  cookies: fc.tuple(cookie, cookie),
  variant: fc.tuple(value, value),
})

const KEYED: KeyRules = { sortQuery: false, ignoreQuery: [], headers: ['x-a', 'x-b'], cookies: ['c', 'd'] }
const VARY = ['v', 'w']

function routeNamed(name: string, key: KeyRules = KEYED): Route {
  return routeWith({ name, rules: rulesWith({ key }) })
}

function requestOf(tuple: Tuple): CacheRequest {
  const { scheme, authority, path, query, headers, cookies, variant } = tuple
  const pairs = ['c', 'd'].flatMap((name, at) => (cookies[at] === undefined ? [] : [`${name}=${cookies[at]}`]))
  const fields = fieldsOf({
    'X-A': headers[0],
    'X-B': headers[1],
    Cookie: pairs.length === 0 ? undefined : pairs.join('; '),
    V: variant[0],
    W: variant[1],
  })
  return requestWith({}, { url: `${scheme}://${authority}${path}${query === undefined ? '' : `?${query}`}`, fields })
}

/** The key of the variant, derived from that of the resource as for a look-up in the store. */
function keyFor(tuple: Tuple): string {
  const request = requestOf(tuple)
  return variantKey(keyOf(routeNamed(tuple.route), request).key, VARY, request.fields)
}

/** RFC 9110 section 5.6.3. */
const OUTER = /^[ \t]+|[ \t]+$/g

/** The parts in normal form: values of a variant without white space around them or around their members. */
function parts(tuple: Tuple): string {
  const variant = tuple.variant.map((one) => {
    const trimmed = one?.replaceAll(OUTER, '')
    if (trimmed === undefined || trimmed.includes('"')) return trimmed
    return trimmed
      .split(',')
      .map((member) => member.replaceAll(OUTER, ''))
      .join(',')
  })
  return JSON.stringify([Object.entries({ ...tuple, variant })], (_, part: unknown) => part ?? 'absent!')
}

/** A tuple and one that differs from it in at most two parts. */
const neighbours = fc
  .tuple(tuples, tuples, fc.array(fc.nat(7), { minLength: 1, maxLength: 2 }))
  .map(([one, other, changed]) => {
    const names = ['route', 'scheme', 'authority', 'path', 'query', 'headers', 'cookies', 'variant'] as const
    return [
      one,
      changed.reduce((tuple, at) => ({ ...tuple, [names[at] ?? 'path']: other[names[at] ?? 'path'] }), one),
    ] as const
  })

const RUNS = { numRuns: 5000 }

describe('a key', () => {
  it('is shared by no two different tuples', () => {
    fc.assert(
      fc.property(neighbours, ([one, other]) => {
        expect(keyFor(one) === keyFor(other)).toBe(parts(one) === parts(other))
      }),
      RUNS,
    )
  })

  it('is shared by no two unrelated tuples', () => {
    fc.assert(
      fc.property(tuples, tuples, (one, other) => {
        expect(keyFor(one) === keyFor(other)).toBe(parts(one) === parts(other))
      }),
      RUNS,
    )
  })

  it('changes when part of a value moves into its neighbour', () => {
    fc.assert(
      fc.property(tuples, fc.nat(4), (tuple, length) => {
        const [first, second] = tuple.headers
        if (first === undefined || second === undefined || length === 0) return
        const moved = { ...tuple, headers: [first + second.slice(0, length), second.slice(length)] as const }
        expect(keyFor(moved) === keyFor(tuple)).toBe(parts(moved) === parts(tuple))
        // The whole line of the second value, injected into the first.
        const injected = { ...tuple, headers: [`${first}\nhx-b:${second.length}:${second}`, undefined] as const }
        expect(keyFor(injected)).not.toBe(keyFor(tuple))
      }),
      RUNS,
    )
  })

  it('of a URL cannot be that of another route', () => {
    fc.assert(
      fc.property(tuples, (tuple) => {
        const key = keyOf(routeNamed('r'), requestOf(tuple)).key
        const other = keyOf(routeNamed('r-1'), requestOf(tuple)).key
        expect(key.startsWith('r http')).toBe(true)
        expect(other.startsWith('r-1 http')).toBe(true)
      }),
    )
  })
})

describe('the authority in a key', () => {
  it('is the same exactly when host and port are', () => {
    const hosts = fc.constantFrom('a.test', 'A.TEST', 'a.test.', 'b.test')
    const ports = fc.constantFrom('', ':', ':80', ':080', ':443', ':8080')
    const schemes = fc.constantFrom<'http' | 'https'>('http', 'https')
    fc.assert(
      fc.property(hosts, hosts, ports, ports, schemes, (host, otherHost, port, otherPort, scheme) => {
        const number = (given: string) => (given.length > 1 ? Number(given.slice(1)) : scheme === 'http' ? 80 : 443)
        const same = bare(host) === bare(otherHost) && number(port) === number(otherPort)
        const [one, other] = [normalAuthority(host + port, scheme), normalAuthority(otherHost + otherPort, scheme)]
        expect(one === other).toBe(same)
      }),
    )
  })
})

const bare = (host: string): string => host.toLowerCase().replace(/\.$/, '')

describe('equal keys', () => {
  /** The parts of the upstream request that a key covers. */
  function upstream(request: CacheRequest, route: Route): string {
    const { key, target } = keyOf(route, request)
    const sent = sentUpstream(request, { authority: new URL(request.url).host, rules: rulesWith({ cookies: 'rfc' }) })
    const keyed = route.rules.key.headers.map((name) => field(sent, name))
    expect(key).toContain(target.split('?', 1)[0])
    return JSON.stringify([field(sent, 'host'), target, keyed], (_, part: unknown) => part ?? 'absent!')
  }

  const parameters = fc.array(
    fc.constantFrom('a=1', 'a=2', 'b=1', 'utm_x=1', 'utm_y', 'sid=1', 'side=1', '', 'a', '%61=1'),
    {
      maxLength: 4,
    },
  )
  const requests = fc
    .record({
      path: fc.constantFrom('/', '/a', '/a/', '//a', '/%61', '/a/./b', '/a/../b', '/A'),
      parameters: optional(parameters),
      tenant: optional(fc.constantFrom('t', 'u', '', 'T')),
    })
    .map(({ path, parameters, tenant }) => {
      const target = parameters === undefined ? path : `${path}?${parameters.join('&')}`
      const parsed = parseTarget({ method: 'GET', target, hosts: ['a.test'], scheme: 'http' })
      return requestWith({ 'X-Tenant': tenant }, { url: parsed.ok ? parsed.url : '' })
    })

  it.each<[string, Partial<KeyRules>]>([
    ['without rules', { headers: ['x-tenant'] }],
    ['with a sorted query', { headers: ['x-tenant'], sortQuery: true }],
    ['with ignored parameters', { headers: ['x-tenant'], ignoreQuery: ['utm_*', 'sid'] }],
    ['with both', { headers: ['x-tenant'], sortQuery: true, ignoreQuery: ['utm_*', 'sid'] }],
  ])('mean equal upstream requests, and vice versa, %s', (_, rules) => {
    const route = routeNamed('r', { ...KEYED, cookies: [], ...rules })
    let equal = 0
    fc.assert(
      fc.property(requests, requests, (one, other) => {
        const same = keyOf(route, one).key === keyOf(route, other).key
        if (same) equal++
        expect(same).toBe(upstream(one, route) === upstream(other, route))
      }),
      { numRuns: 3000, seed: 1 },
    )
    expect(equal).toBeGreaterThan(20)
  })
})
