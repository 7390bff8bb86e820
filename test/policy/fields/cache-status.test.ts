import { parseList, Token } from 'structured-headers'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES } from '../../../src/errors.ts'
import { type Detail, DETAILS, type Outcome } from '../../../src/model.ts'
import { cacheStatus } from '../../../src/policy/fields/cache-status.ts'

describe('cacheStatus', () => {
  it.each<[Outcome, string]>([
    [{ result: 'hit', ttlMs: 42_999 }, 'herdgate; hit; ttl=42'],
    [{ result: 'hit' }, 'herdgate; hit'],
    [{ result: 'stale', ttlMs: -1 }, 'herdgate; hit; ttl=-1'],
    [{ result: 'stale', ttlMs: -2500, detail: 'soft-timeout' }, 'herdgate; hit; ttl=-3; detail=soft-timeout'],
    [{ result: 'stale_if_error', ttlMs: -3000 }, 'herdgate; hit; ttl=-3; detail=stale-if-error'],
    [
      { result: 'stale_if_error', fwd: 'stale', fwdStatus: 503, ttlMs: -3000 },
      'herdgate; hit; ttl=-3; detail=stale-if-error',
    ],
    [
      { result: 'miss', fwd: 'uri-miss', fwdStatus: 200, stored: true },
      'herdgate; fwd=uri-miss; fwd-status=200; stored',
    ],
    [{ result: 'miss', fwd: 'uri-miss', fwdStatus: 200, stored: false }, 'herdgate; fwd=uri-miss; fwd-status=200'],
    [
      { result: 'revalidated', fwd: 'stale', fwdStatus: 304, stored: true },
      'herdgate; fwd=stale; fwd-status=304; stored',
    ],
    [{ result: 'collapsed', fwd: 'uri-miss', collapsed: true }, 'herdgate; fwd=uri-miss; collapsed'],
    [{ result: 'pass', fwd: 'bypass', detail: 'route' }, 'herdgate; fwd=bypass; detail=route'],
    [{ result: 'error', detail: 'only-if-cached' }, 'herdgate; detail=only-if-cached'],
  ])('of %j', (outcome, expected) => expect(cacheStatus(outcome)).toBe(expected))

  it.each<Detail>([...DETAILS, ...ERROR_CODES])('is a structured field that ends with the token %s', (detail) => {
    const [member] = parseList(cacheStatus({ result: 'hit', ttlMs: 1000, detail }))
    expect(String(member?.[0])).toBe('herdgate')
    expect([...(member?.[1] ?? [])]).toEqual([
      ['hit', true],
      ['ttl', 1],
      ['detail', new Token(detail)],
    ])
  })
})
