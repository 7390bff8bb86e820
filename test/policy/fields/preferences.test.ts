import { describe, expect, it } from 'vitest'
import { normalCodings, normalPreferences, preferredLanguage } from '../../../src/policy/fields/preferences.ts'
import fc from '../../support/fast-check.ts'

describe('preferences', () => {
  it.each([
    ['en, de', 'de, en'],
    ['en, de', 'eN, De'],
    ['en, de', ' en ,   de'],
    ['gzip;q=1.0, br', 'br,gzip'],
    ['gzip;q=0.50', 'gzip ; q=0.5'],
    ['text/html;level=1;q=0.4', 'TEXT/HTML;Q=0.4;Level=1'],
    ['a,a', 'a'],
  ])('%s are equal to %s', (one, other) => expect(normalPreferences(one)).toBe(normalPreferences(other)))

  it.each([
    ['en;q=0.5', 'en'],
    ['en', 'en, de'],
    ['gzip;q=0', ''],
    ['a;q=2', 'a'],
    ['a;q=', 'a'],
    ['x,;q=', 'x'],
    ['gzip\xa0', 'gzip'],
    ['\xa0de, en', 'de, en'],
    ['a/b;profile=One', 'a/b;profile=one'],
  ])('%s are not equal to %s', (one, other) => expect(normalPreferences(one)).not.toBe(normalPreferences(other)))

  it('that are not well formed stay as they are', () => {
    expect(normalPreferences(' B, "a,b" ')).toBe('B, "a,b"')
  })
})

describe('acceptable codings', () => {
  it.each([
    ['gzip, deflate, br, zstd', 'br, deflate, gzip, zstd'],
    ['BR;q=0.1,  gzip;q=1.0, gzip', 'br, gzip'],
    ['gzip, identity', 'gzip'],
    ['gzip;q=0, br', 'br'],
    ['gzip;q=1.0, identity;q=0.5, *;q=0', 'gzip'],
    ['gzip, *;q=0', 'gzip, identity;q=0'],
    ['gzip, identity;q=0', 'gzip, identity;q=0'],
    ['identity;q=0', 'identity;q=0'],
    ['*, identity;q=0', '*, identity;q=0'],
    ['*', 'identity'],
    ['', 'identity'],
    ['identity', 'identity'],
    ['j1', 'identity'],
    ['j1, gzip', 'gzip'],
    ['x,;q=', 'identity'],
    ['gzip;q=evil, ,;q, "br', 'identity'],
    ['br\xa0, gzip', 'gzip'],
    ['gzip;level=9', 'identity'],
  ])('%j has the normal form %s', (value, normal) => expect(normalCodings(value)).toBe(normal))

  it('have fewer normal forms than a resource may have variants', () => {
    const names = ['br', 'deflate', 'gzip', 'zstd', 'identity', '*', 'junk']
    const member = fc.tuple(fc.constantFrom(...names), fc.constantFrom('', ';q=0', ';q=0.5', ';q=', ';q=0.123'))
    const values = fc.sample(fc.array(member, { maxLength: 8 }), { numRuns: 20_000, seed: 1 })
    const normal = new Set(values.map((members) => normalCodings(members.map((parts) => parts.join('')).join(','))))
    expect(normal.size).toBeGreaterThan(30)
    expect(normal.size).toBeLessThan(64)
  })
})

describe('the preferred language', () => {
  it.each([
    ['de', 'de'],
    ['fr;q=0.5, DE;q=1.0', 'de'],
    ['de-AT, de;q=0.9', 'de-at'],
  ])('by %s is %s', (value, language) => expect(preferredLanguage(value)).toBe(language))

  it.each(['', '*', 'en, de', 'en;q=0', 'en;q=0.5,de;q=0.5', 'en, de, de', 'garbage in', '*, de;q=0.5'])(
    'by %j is none',
    (value) => {
      expect(preferredLanguage(value)).toBeUndefined()
    },
  )
})
