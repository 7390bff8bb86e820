import { expect, test } from 'vitest'
import { addressOf } from '../../../src/stores/disk/address.ts'
import { LostWrites } from '../../../src/stores/disk/lost-writes.ts'

test('when too many writes are lost to remember each, everything counts as lost', () => {
  const lost = new LostWrites()
  for (let n = 0; n < 100_000; n++) lost.add([addressOf(`k${n}`)])
  const found = () => ['k0', 'k99999', 'another'].map((key) => lost.mayHave(addressOf(key)))
  expect(found()).toEqual([true, true, false])
  lost.add([addressOf('k5')])
  expect(found()).toEqual([true, true, false])
  lost.add([addressOf('one more')])
  expect(found()).toEqual([true, true, true])
})
