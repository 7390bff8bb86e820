import { describe, expect, it } from 'vitest'
import { normalPreferences, preferredLanguage } from '../../src/policy/preferences.ts'

describe('preferences', () => {
  it.each([
    ['en, de', 'de, en'],
    ['en, de', 'eN, De'],
    ['en, de', ' en ,   de'],
    ['gzip;q=1.0, br', 'br,gzip'],
    ['gzip;q=0.50', 'gzip ; q=0.5'],
    ['text/html;level=1;q=0.4', 'TEXT/HTML;Q=0.4;Level=1'],
    ['a,a', 'a'],
  ])('%s are those of %s', (one, other) => expect(normalPreferences(one)).toBe(normalPreferences(other)))

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
  ])('%s are not those of %s', (one, other) => expect(normalPreferences(one)).not.toBe(normalPreferences(other)))

  it('that are not well formed stay as they are', () => {
    expect(normalPreferences(' B, "a,b" ')).toBe('B, "a,b"')
  })
})

describe('the language that is preferred', () => {
  it.each([
    ['de', 'de'],
    ['fr;q=0.5, DE;q=1.0', 'de'],
    ['de-AT, de;q=0.9', 'de-at'],
  ])('by %s is %s', (value, language) => expect(preferredLanguage(value)).toBe(language))

  it.each(['', '*', 'en, de', 'en;q=0', 'en;q=0.5,de;q=0.5', 'garbage in', '*, de;q=0.5'])('by %j is none', (value) => {
    expect(preferredLanguage(value)).toBeUndefined()
  })
})
