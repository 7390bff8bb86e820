import { expect, test, vi } from 'vitest'
import { contentReceived, copyFollows, onContent } from '../../src/heap/young-garbage.ts'

const MIB = 2 ** 20

test('whoever asked is told after every 4 MiB of content, until they no longer want to be', () => {
  const told = vi.fn()
  const end = onContent(told)
  contentReceived(3 * MIB)
  expect(told).not.toHaveBeenCalled()
  contentReceived(MIB)
  expect(told).toHaveBeenCalledOnce()
  contentReceived(3 * MIB)
  expect(told).toHaveBeenCalledOnce()
  contentReceived(20 * MIB)
  expect(told).toHaveBeenCalledTimes(2)
  end()
  contentReceived(20 * MIB)
  expect(told).toHaveBeenCalledTimes(2)
})

test('copies of content count, and are announced', () => {
  const told = vi.fn()
  const end = onContent(told)
  contentReceived(3 * MIB)
  copyFollows(3 * MIB)
  contentReceived(4 * MIB)
  copyFollows(3 * MIB)
  end()
  expect(told.mock.calls).toEqual([[3 * MIB], [0]])
})
