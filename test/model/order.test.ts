import { expect, test } from 'vitest'
import { isLater } from '../../src/model.ts'
import { decode, encode } from '../../src/stores/codec/codec.ts'
import { storedResponse } from '../support/stored-response.ts'

const askedAt = (ms: number) => storedResponse({ startedAt: ms, askedAt: ms })

/** A response of another process, as read by this one; `correction` is in milliseconds. */
function elsewhere(ms: number, correction = 0) {
  const read = decode('k', encode('k', askedAt(ms)) ?? Buffer.of(), { correction })
  if (read?.kind !== 'response') throw new Error('unreachable')
  return read
}

test('of two copies the one requested later is later, whichever process requested it', () => {
  for (const of of [askedAt, elsewhere]) {
    for (const other of [askedAt, elsewhere]) {
      expect(isLater(of(2), other(1))).toBe(true)
      expect(isLater(of(1), other(2))).toBe(false)
    }
  }
})

test('of two copies requested at the same time neither is later', () => {
  expect(isLater(elsewhere(1), askedAt(1))).toBe(false)
  expect(isLater(askedAt(1), elsewhere(1))).toBe(false)
})

test('a process whose clock differs from the wall clock compares by its own clock', () => {
  expect(isLater(elsewhere(5_000, 3_000), askedAt(1_999))).toBe(true)
  expect(isLater(elsewhere(5_000, 3_000), askedAt(2_001))).toBe(false)
})
