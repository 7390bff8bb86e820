import { describe, expect, test } from 'vitest'
import { redactedPath } from '../../src/logging/redacted-path.ts'

describe('a path in a log', () => {
  test('keeps the names of its parameters and drops their values', () => {
    expect(redactedPath('https://a.test/search?q=secret&page=2&flag&=x&')).toBe('/search?q=*&page=*&*&=*&')
  })

  test('drops everything after the first equals sign', () => {
    expect(redactedPath('https://a.test/?token=ab=cd')).toBe('/?token=*')
  })

  test('is empty for a request without a usable target, and "*" for OPTIONS *', () => {
    expect(redactedPath('')).toBe('')
    expect(redactedPath('http://a.test*')).toBe('*')
  })

  test('shows control characters as text', () => {
    expect(redactedPath('http://a.test/a\n\x1b[31mb\x9b\u202e')).toBe('/a\\x0a\\x1b[31mb\\x9b\\u202e')
  })

  test('is bounded', () => {
    expect(redactedPath(`http://a.test/${'x'.repeat(100_000)}`).length).toBeLessThan(2100)
  })
})
