import CachePolicy from 'http-cache-semantics'
import { describe, expect, it } from 'vitest'
import { field } from '../../src/fields.ts'
import { lifetimeOf } from '../../src/policy/freshness.ts'
import { decide } from '../../src/policy/reuse.ts'
import { storable } from '../../src/policy/storable.ts'
import { conditionsFor } from '../../src/policy/validation.ts'
import { selectingValues, selects, varyOn } from '../../src/policy/vary.ts'
import fc from '../support/fast-check.ts'
import { date, entryWith, foundWith, NOW, requestWith, rulesWith } from './support.ts'
import { fieldsOf } from '../support/fields.ts'

/**
 * Compares our rules with those of http-cache-semantics on well-formed exchanges: whether the response to one request
 * is stored, how long it is fresh, how old it is some time later, whether it then answers a second request without the
 * origin, and the conditions sent to the origin otherwise.
 */

type Directive = string

interface Exchange {
  readonly status: number
  readonly response: { readonly control: readonly Directive[]; readonly headers: Readonly<Record<string, string>> }
  readonly first: { readonly control: readonly Directive[]; readonly headers: Readonly<Record<string, string>> }
  readonly second: { readonly control: readonly Directive[]; readonly headers: Readonly<Record<string, string>> }
  /** Seconds from the response to the second request. */
  readonly after: number
}

/** A decision in which the two differ, and why. */
interface Difference {
  readonly because: string
  readonly applies: (exchange: Exchange) => boolean
  /** An exchange on which the two do differ for this reason. */
  readonly example: Partial<Exchange>
}

const plain = { control: [], headers: {} }
const says = (...control: Directive[]) => ({ control, headers: {} })
const sends = (headers: Record<string, string>) => ({ control: [], headers })
const hasDirective = (control: readonly Directive[], name: string) =>
  control.some((directive) => directive === name || directive.startsWith(`${name}=`))

const DIFFERENCES: readonly Difference[] = [
  {
    because:
      'RFC 9111 5.2.2.2 and 5.2.2.8: must-revalidate and proxy-revalidate matter only once the response is stale',
    applies: ({ response }) =>
      ['must-revalidate', 'proxy-revalidate'].some((name) => hasDirective(response.control, name)),
    example: { response: says('max-age=30', 'must-revalidate') },
  },
  {
    because: 'RFC 9111 4.2.3: the age is at least the time since Date, even without Age',
    applies: ({ response }) => response.headers['date'] !== date(NOW),
    example: { response: { control: ['max-age=30'], headers: { date: date(NOW - 40_000) } } },
  },
  {
    because: 'RFC 9111 3: any final status code may be stored with a stated lifetime, unless must-understand is there',
    applies: ({ status }) => status === 500,
    example: { status: 500, response: says('max-age=30') },
  },
  {
    because: 'RFC 9111 5.4: Pragma in a request does not count where Cache-Control is there',
    applies: ({ second }) => second.headers['pragma'] !== undefined && second.control.length > 0,
    example: {
      response: says('max-age=30'),
      second: { control: ['max-age=30'], headers: { pragma: 'no-cache' } },
    },
  },
  {
    because:
      'RFC 9111 4.2.4 with 5.2.2.4 and 5.2.2.10: no-cache and s-maxage forbid stale use, whatever else allows it',
    applies: ({ response }) => ['no-cache', 's-maxage'].some((name) => hasDirective(response.control, name)),
    example: { response: says('s-maxage=0', 'stale-while-revalidate=30') },
  },
  {
    because: 'RFC 9111 5.2.1.1 and 5.2.1.2: max-age alone means not stale, and max-stale sets how stale at most',
    applies: ({ second }) => ['max-age', 'max-stale'].some((name) => hasDirective(second.control, name)),
    example: { response: says('max-age=0', 'stale-while-revalidate=30'), second: says('max-age=30') },
  },
  {
    because: 'Stricter than RFC 9111 3.5: what credentials bought is shared only if a lifetime is stated',
    applies: ({ first }) => first.headers['authorization'] !== undefined,
    example: {
      first: sends({ authorization: 'x' }),
      response: { control: ['public'], headers: { 'last-modified': date(NOW - 1000_000) } },
    },
  },
]

const seconds = fc.constantFrom(0, 5, 30)
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 })
const rarely = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value })
const flag = fc.constantFrom<true | undefined>(true, undefined)

/** Directives from a record: `true` means no argument, a number is the argument. */
const control = (members: Record<string, fc.Arbitrary<number | true | undefined>>) =>
  fc.record(members).map((record) =>
    Object.entries(record).flatMap(([name, value]) => {
      if (value === undefined) return []
      return value === true ? [name] : [`${name}=${value}`]
    }),
  )

const responseControl = control({
  'max-age': optional(seconds),
  's-maxage': rarely(seconds),
  'stale-while-revalidate': rarely(seconds),
  public: flag,
  private: rarely(fc.constant<true>(true)),
  'no-store': rarely(fc.constant<true>(true)),
  'no-cache': rarely(fc.constant<true>(true)),
  'must-revalidate': rarely(fc.constant<true>(true)),
  'proxy-revalidate': rarely(fc.constant<true>(true)),
})

const requestControl = control({
  'max-age': rarely(seconds),
  'min-fresh': rarely(seconds),
  'max-stale': rarely(fc.oneof(seconds, fc.constant<true>(true))),
  'no-cache': rarely(fc.constant<true>(true)),
})

const defined = (headers: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))

const responseHeaders = fc
  .record({
    date: fc.constantFrom(date(NOW), date(NOW), date(NOW - 20_000)),
    age: optional(fc.constantFrom('0', '3', '25')),
    expires: optional(fc.constantFrom(date(NOW - 5000), date(NOW), date(NOW + 30_000), '0')),
    'last-modified': optional(fc.constantFrom(date(NOW - 300_000), date(NOW + 5000))),
    etag: rarely(fc.constantFrom('"a"', 'W/"a"')),
    vary: optional(fc.constantFrom('accept', 'accept, accept-language', '*')),
  })
  .map(defined)

const selectingHeaders = fc
  .record({ accept: optional(fc.constantFrom('a', 'b')), authorization: rarely(fc.constant('x')) })
  .map(defined)

const requestHeaders = fc
  .record({ accept: optional(fc.constantFrom('a', 'b')), pragma: rarely(fc.constant('no-cache')) })
  .map(defined)

const exchanges: fc.Arbitrary<Exchange> = fc.record({
  status: fc.constantFrom(200, 200, 200, 302, 404, 500),
  response: fc.record({ control: responseControl, headers: responseHeaders }),
  first: fc.record({
    control: control({ 'no-store': rarely(fc.constant<true>(true)) }),
    headers: selectingHeaders,
  }),
  second: fc.record({ control: requestControl, headers: requestHeaders }),
  // Half seconds are never on a boundary, which the two assign to different sides.
  after: fc.constantFrom(0.5, 4.5, 10.5, 27.5, 40.5),
})

const headersOf = ({ control, headers }: Exchange['response']): Record<string, string> =>
  control.length === 0 ? { ...headers } : { ...headers, 'cache-control': control.join(', ') }

let now = NOW

class TimedPolicy extends CachePolicy {
  // CachePolicy gets the time from this method, which its types do not declare.
  now(): number {
    return now
  }
}

function theirs(exchange: Exchange) {
  now = NOW
  const first = { url: '/', method: 'GET', headers: headersOf(exchange.first) }
  const policy = new TimedPolicy(first, { status: exchange.status, headers: headersOf(exchange.response) })
  const stored = policy.storable()
  const lifetime = policy.maxAge()
  now = NOW + exchange.after * 1000
  const second = { url: '/', method: 'GET', headers: headersOf(exchange.second) }
  const { 'if-none-match': etag, 'if-modified-since': modified } = policy.revalidationHeaders(second)
  return {
    stored,
    lifetime,
    age: policy.age(),
    reused: stored && policy.evaluateRequest(second).response !== undefined,
    conditions: stored ? { etag, modified } : {},
  }
}

const rules = rulesWith({ cookies: 'rfc', errorTtlMax: Number.POSITIVE_INFINITY })

function ours(exchange: Exchange) {
  const response = { status: exchange.status, fields: fieldsOf(headersOf(exchange.response)) }
  const first = requestWith(headersOf(exchange.first))
  const second = requestWith(headersOf(exchange.second))
  const stored = storable(first, response, rules).store
  const lifetime = lifetimeOf(response, rules, { requestedAt: NOW, respondedAt: NOW })
  const on = varyOn(response.fields)
  const vary = on === '*' ? [] : selectingValues(on, first.fields)
  const entry = stored && selects(vary, second.fields) ? entryWith({ ...lifetime, ...response }) : undefined
  const then = NOW + exchange.after * 1000
  const { kind } = decide(second, foundWith(entry), rules, then)
  const conditions = entry === undefined ? [] : conditionsFor(entry)
  return {
    stored,
    lifetime: (lifetime.freshUntil - lifetime.bornAt) / 1000,
    age: (then - lifetime.bornAt) / 1000,
    reused: kind === 'serve' || kind === 'serve-stale',
    conditions: { etag: field(conditions, 'if-none-match'), modified: field(conditions, 'if-modified-since') },
  }
}

/** If no variant is selected, nothing is revalidated; theirs also considers credentials of the second request. */
const isOtherVariant = ({ response, first, second }: Exchange): boolean =>
  response.headers['vary'] !== undefined && first.headers['accept'] !== second.headers['accept']

const accepted = (exchange: Exchange) => DIFFERENCES.some((difference) => difference.applies(exchange))
const RUNS = { numRuns: 10_000 }

describe('compared with http-cache-semantics', () => {
  it('a stored response is reused for the same requests', () => {
    fc.assert(
      fc.property(exchanges, (exchange) => {
        if (accepted(exchange)) return
        expect(ours(exchange).reused).toBe(theirs(exchange).reused)
      }),
      RUNS,
    )
  })

  it('nothing is stored that http-cache-semantics does not store', () => {
    fc.assert(
      fc.property(exchanges, (exchange) => {
        // Not vice versa: ours does not store what can neither be fresh nor be revalidated.
        // RFC 9111 section 3: a 500 with a stated lifetime may be stored; theirs has a list of codes.
        if (ours(exchange).stored && exchange.status !== 500) expect(theirs(exchange).stored).toBe(true)
      }),
      RUNS,
    )
  })

  it('lifetimes are the same', () => {
    fc.assert(
      fc.property(exchanges, (exchange) => {
        const [mine, other] = [ours(exchange), theirs(exchange)]
        // RFC 9111 section 5.2.2.8 only forbids stale use; theirs takes the lifetime to be zero.
        if (!mine.stored || !other.stored || hasDirective(exchange.response.control, 'proxy-revalidate')) return
        expect(mine.lifetime).toBeCloseTo(other.lifetime, 6)
      }),
      RUNS,
    )
  })

  it('ages are the same', () => {
    fc.assert(
      fc.property(exchanges, (exchange) => {
        const [mine, other] = [ours(exchange), theirs(exchange)]
        // Theirs goes by Age alone; by RFC 9111 section 4.2.3 the age is at least the time since Date.
        const sinceDate = (NOW - Date.parse(exchange.response.headers['date'] ?? '')) / 1000 + exchange.after
        expect(mine.age).toBeCloseTo(Math.max(other.age, sinceDate), 6)
      }),
      RUNS,
    )
  })

  it('the origin is asked with the same validators', () => {
    let asked = 0
    fc.assert(
      fc.property(exchanges, (exchange) => {
        const [mine, other] = [ours(exchange), theirs(exchange)]
        if (!mine.stored || !other.stored || isOtherVariant(exchange)) return
        // RFC 9110 section 13.2.1: origins evaluate preconditions only if the answer without them would be 2xx.
        if (exchange.status > 299) expect(mine.conditions).toEqual({})
        else expect(mine.conditions).toEqual(other.conditions)
        if (mine.conditions.etag ?? mine.conditions.modified) asked++
      }),
      RUNS,
    )
    expect(asked).toBeGreaterThan(500)
  })

  it.each(DIFFERENCES)('the two differ: $because', ({ applies, example }) => {
    const base = { status: 200, response: plain, first: plain, second: plain, after: 10.5 }
    const { response = plain } = example
    const exchange = {
      ...base,
      ...example,
      response: { ...response, headers: { date: date(NOW), ...response.headers } },
    }
    expect(applies(exchange)).toBe(true)
    expect(ours(exchange).reused).not.toBe(theirs(exchange).reused)
  })

  it('most exchanges are compared', () => {
    const sample = fc.sample(exchanges, { numRuns: 2000, seed: 7 })
    const compared = sample.filter((exchange) => !accepted(exchange))
    const reused = compared.filter((exchange) => ours(exchange).reused)
    expect(compared.length).toBeGreaterThan(300)
    expect(reused.length).toBeGreaterThan(20)
    expect(reused.length).toBeLessThan(compared.length - 20)
  })
})
