import { describe, expect, it } from 'vitest'
import { parseCacheControl } from '../../../src/policy/fields/cache-control.ts'
import fc from '../../support/fast-check.ts'

const maxAge = (value: string) => parseCacheControl(value).maxAge

describe('a lifetime', () => {
  it('is read without regard to letter case', () => expect(maxAge('MaX-aGe=60')).toBe(60))

  it.each([
    ['max-age=003600', 3600],
    ['max-age="60"', 60],
    ['max-age="6\\0"', 60],
    ['foobar, max-age=60', 60],
    ['extension="max-age=3600", max-age=1', 1],
    ['max-age=1, extension="a, max-age=3600"', 1],
    ['max-age=99999999999999999999', 2 ** 31],
    ['max-age=2147483649', 2 ** 31],
  ])('of %j is %i', (value, seconds) => expect(maxAge(value)).toBe(seconds))

  it.each([
    'max-age',
    'max-age=',
    'max-age=-1',
    'max-age=+1',
    'max-age=abc',
    'max-age=60s',
    'max-age=60.0',
    'max-age=0x3c',
    "max-age='60'",
    'max-age="60',
    'max-age=60"',
    'max-age="60"0',
    'max-age =60',
    'max-age= 60',
    'max-age=60;no-store',
    'max-age=60 5',
    'max-age=60\xa0',
  ])('that is malformed, as in %j, is zero', (value) => expect(maxAge(value)).toBe(0))

  it('given more than once is the shortest of them', () => {
    expect(maxAge('max-age=600, max-age=0')).toBe(0)
    expect(maxAge('max-age=5, max-age=60, max-age=7')).toBe(5)
    expect(maxAge('max-age=60, max-age=x')).toBe(0)
  })

  it('of RFC 5861 is not accepted in quotes', () => {
    expect(parseCacheControl('stale-while-revalidate="60"').staleWhileRevalidate).toBe(0)
    expect(parseCacheControl('stale-if-error=60').staleIfError).toBe(60)
  })
})

it.each([
  ['s-maxage', 'sMaxage', 5],
  ['stale-while-revalidate', 'staleWhileRevalidate', 5],
  ['stale-if-error', 'staleIfError', 5],
  ['max-stale', 'maxStale', 5],
  ['min-fresh', 'minFresh', 9],
] as const)('%s given more than once has its most restrictive value', (name, member, seconds) => {
  for (const value of [`${name}=5, ${name}=9`, `${name}=9, ${name}=5`]) {
    expect(parseCacheControl(value)[member]).toBe(seconds)
  }
})

describe('a restricting directive', () => {
  it.each([
    'public, max-age=60, private=""',
    'private=","',
    'private="   "',
    'private, private="hdr"',
    'private = "x"',
    'private=" authorization"',
    'private="x, max-age=60',
    'PRIVATE',
    ',,private,,',
    'max-age=60;private',
    'max-age=60 private',
    'max-age="60, private',
    'max-age="private',
  ])('private counts in %j', (value) => expect(parseCacheControl(value).private).toBe(true))

  it.each(['no-cache = "set-cookie"', 'no-cache="\tauthorization"', 'no-cache=authorization\t', 'No-Cache'])(
    'no-cache counts in %j',
    (value) => expect(parseCacheControl(value).noCache).toBe(true),
  )

  it('does not count inside the quoted argument of another', () => {
    expect(parseCacheControl('foo="no-store, private", max-age=9')).toMatchObject({
      noStore: false,
      private: false,
      maxAge: 9,
    })
  })

  it('does not count as a part of a longer name', () => expect(parseCacheControl('x-no-store').noStore).toBe(false))
})

it.each(['no\\x2dstore, max-age=60', 'max-age=60, no\\-store', 'public, max-age=60, private:x', 'max-age: 60', 'é'])(
  'a malformed directive, as in %j, counts as no-store',
  (value) => expect(parseCacheControl(value).noStore).toBe(true),
)

it('a quoted string with text after its end hides no directive', () => {
  expect(parseCacheControl('foo="a, no-store"x').noStore).toBe(true)
})

describe('the other directives', () => {
  it('are recognised', () => {
    const value = 'must-revalidate, proxy-revalidate, must-understand, only-if-cached, public'
    expect(parseCacheControl(value)).toMatchObject({
      mustRevalidate: true,
      proxyRevalidate: true,
      mustUnderstand: true,
      onlyIfCached: true,
      public: true,
      noStore: false,
    })
  })

  it('take max-stale without a number as any staleness, and a malformed one as none', () => {
    expect(parseCacheControl('max-stale').maxStale).toBe(Number.POSITIVE_INFINITY)
    expect(parseCacheControl('max-stale=10').maxStale).toBe(10)
    expect(parseCacheControl('max-stale=x').maxStale).toBe(0)
  })

  it('take a malformed min-fresh as the maximum', () => {
    expect(parseCacheControl('min-fresh=x').minFresh).toBe(2 ** 31)
  })

  it('ignore public with an argument', () => expect(parseCacheControl('public="x"').public).toBe(false))
})

describe('whatever is sent', () => {
  it('parses, to numbers from 0 to 2^31', () => {
    const part = fc.constantFrom('max-age', 'private', 'no-store', '=', '"', ',', ';', ' ', '\\', '60', 's-maxage', 'é')
    fc.assert(
      fc.property(fc.array(fc.oneof(part, fc.string({ maxLength: 3 }))), (parts) => {
        const { maxAge = 0, sMaxage = 0 } = parseCacheControl(parts.join(''))
        for (const seconds of [maxAge, sMaxage]) expect(seconds >= 0 && seconds <= 2 ** 31).toBe(true)
      }),
    )
  })

  it('keeps no-store when anything is appended', () => {
    fc.assert(fc.property(fc.string(), (rest) => parseCacheControl(`no-store, ${rest}`).noStore))
  })

  it('keeps private when an unclosed quote stands before it', () => {
    const unquoted = fc.string().map((text) => text.replaceAll('"', ''))
    fc.assert(fc.property(unquoted, (text) => parseCacheControl(`max-age="${text}, private`).private))
  })

  // A parser that backtracks would exceed the time limit.
  it.each(['a=",', 'a="\\"', 'a ', '= ', '"', ' '])('is parsed in one pass, however often %j is repeated', (unit) => {
    expect(parseCacheControl(`${unit.repeat(100_000)}, no-store`).noStore).toBe(true)
  })
})
