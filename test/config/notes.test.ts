import { describe, expect, test } from 'vitest'
import { notes, ONE, ORIGIN, TWO, valid } from './given.ts'

describe('notes', () => {
  test('tell what is never used or has no effect', () => {
    const text = `${TWO}listen: { trustProxy: [0.0.0.0/0, loopback] }
routes:
  - { name: all, origin: a }
  - { name: late, origin: a, match: { path: /x } }
store: { memory: { maxBytes: 1MiB, maxObjectBytes: 2MiB } }
`
    expect(notes({ text })).toEqual([
      expect.stringContaining('0.0.0.0/0'),
      expect.stringContaining('route late is never reached'),
      expect.stringContaining('origin b is used by no route'),
      expect.stringContaining('maxObjectBytes'),
    ])
    expect(valid({ text }).store.memory).toEqual({ maxBytes: 1_048_576, maxObjectBytes: 1_048_576, admission: 'on' })
    expect(valid({ text }).listen.trustProxy).toEqual(['0.0.0.0/0', '127.0.0.0/8', '::1/128'])
  })

  test('tell of stores that hold next to nothing, as their sizes were perhaps to have a unit', () => {
    expect(notes({ flags: { ...ORIGIN, memory: '256', disk: './cache', diskSize: '10' } })).toEqual([
      'store.memory.maxBytes is 256 bytes: next to nothing fits in; a size without a unit is in bytes',
      'store.disk.maxBytes is 10 bytes: next to nothing fits in; a size without a unit is in bytes',
    ])
  })

  test('tell of settings for a store that is not there', () => {
    expect(notes({ flags: { ...ORIGIN, diskSize: '1GiB' }, env: { HERDGATE_REDIS_PREFIX: 'shop' } })).toEqual([
      '--disk-size has no effect without --disk',
      'HERDGATE_REDIS_PREFIX has no effect without --redis',
    ])
  })

  test('are absent where nothing is odd', () => {
    expect(notes({ text: ONE })).toEqual([])
    expect(notes({ flags: { ...ORIGIN, memory: '1MiB' } })).toEqual([])
  })
})
