import * as fc from 'fast-check'
import { parseList } from 'structured-headers'
import { describe, expect, it } from 'vitest'
import type { Outcome } from '../../src/model.ts'
import { cacheStatus } from '../../src/policy/cache-status.ts'

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
    [{ result: 'pass', fwd: 'method', detail: 'two words' }, 'herdgate; fwd=method; detail="two words"'],
    [{ result: 'pass', fwd: 'method', detail: '"\\é' }, 'herdgate; fwd=method; detail="\\"\\\\?"'],
  ])('of %j', (outcome, expected) => expect(cacheStatus(outcome)).toBe(expected))

  it('is a structured field, whatever the detail', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer(), (detail, ttlMs) => {
        const [member] = parseList(cacheStatus({ result: 'hit', ttlMs, detail }))
        expect(String(member?.[0])).toBe('herdgate')
        expect([...(member?.[1].keys() ?? [])]).toEqual(['hit', 'ttl', 'detail'])
      }),
    )
  })
})
