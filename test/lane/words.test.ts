import { expect, test } from 'vitest'
import { firstOf, marksIn, wordsOf } from '../../src/lane/words.ts'
import fc from '../support/fast-check.ts'

test('the first octet of a word that is not text is found, or none', () => {
  const isText = (octet: number) => octet >= 0x20 && octet <= 0x7e
  const octet = fc.oneof(fc.nat(255), fc.constantFrom(0, 0x1f, 0x20, 0x7e, 0x7f, 0x80, 0xa0, 0xff))
  fc.assert(
    fc.property(fc.array(octet, { minLength: 4, maxLength: 4 }), (octets) => {
      const marks = marksIn(new DataView(Uint8Array.from(octets).buffer).getInt32(0, true))
      const first = octets.findIndex((each) => !isText(each))
      expect(marks === 0 ? -1 : firstOf(marks)).toBe(first)
    }),
    { numRuns: 20_000 },
  )
})

test('unaligned memory has no words', () => {
  const memory = Buffer.allocUnsafeSlow(16)
  expect(wordsOf(memory)).toHaveLength(4)
  expect(wordsOf(memory.subarray(1))).toHaveLength(0)
  expect(wordsOf(memory.subarray(4, 11))).toHaveLength(1)
})
