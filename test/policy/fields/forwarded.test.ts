import { describe, expect, it } from 'vitest'
import type { Peer } from '../../../src/model.ts'
import { clientAddress } from '../../../src/policy/fields/forwarded.ts'
import { fieldsOf } from '../../support/fields.ts'

const TRUSTED = new Set(['10.0.0.1', '10.0.0.2'])
const proxy: Peer = { address: '10.0.0.1', trusted: true, trusts: (address) => TRUSTED.has(address) }

const from = (chain: string | string[], peer: Peer = proxy) =>
  clientAddress(fieldsOf({ 'X-Forwarded-For': chain }), peer)

describe('the address of the client', () => {
  it('is that of the connection when no proxy names another', () => {
    expect(clientAddress([], proxy)).toBe('10.0.0.1')
    expect(clientAddress([], { address: '::ffff:192.0.2.1', trusted: false })).toBe('192.0.2.1')
  })

  it('is not what an untrusted client says', () => {
    expect(from('198.51.100.7', { address: '192.0.2.1', trusted: false })).toBe('192.0.2.1')
  })

  it('is the last one that a trusted proxy names, whatever precedes it', () => {
    expect(from('203.0.113.1, 198.51.100.7')).toBe('198.51.100.7')
    expect(from(['203.0.113.1', '2001:db8::7'])).toBe('2001:db8::7')
  })

  it('is the one before all trusted proxies', () => {
    expect(from('203.0.113.1, 198.51.100.7, 10.0.0.2')).toBe('198.51.100.7')
    expect(from('10.0.0.2, 10.0.0.1')).toBe('10.0.0.2')
  })

  it.each(['unknown', 'a\\b', '1'.repeat(46), '"[::1]:80"'])(
    'is looked for no further than %j, which is not an address',
    (odd) => {
      expect([from(odd), from(`${odd}, 10.0.0.2`), from(`${odd}, 198.51.100.7`)]).toEqual([
        '10.0.0.1',
        '10.0.0.2',
        '198.51.100.7',
      ])
    },
  )
})
