import { expect, test, vi } from 'vitest'
import { connectionClosed, connectionOpened, kernelBytes } from '../../src/heap/connection-memory.ts'
import { contentReceived, aboutToCopy, messageBegun, onContent } from '../../src/heap/content-volume.ts'

const MIB = 2 ** 20

test('a listener is called after every 4 MiB of content, until it is removed', () => {
  const listener = vi.fn()
  const end = onContent(listener)
  contentReceived(3 * MIB)
  expect(listener).not.toHaveBeenCalled()
  contentReceived(MIB)
  expect(listener).toHaveBeenCalledOnce()
  contentReceived(3 * MIB)
  expect(listener).toHaveBeenCalledOnce()
  contentReceived(20 * MIB)
  expect(listener).toHaveBeenCalledTimes(2)
  end()
  contentReceived(20 * MIB)
  expect(listener).toHaveBeenCalledTimes(2)
})

test('copies of content count, and are announced', () => {
  const listener = vi.fn()
  const end = onContent(listener)
  contentReceived(3 * MIB)
  aboutToCopy(3 * MIB)
  contentReceived(4 * MIB)
  aboutToCopy(3 * MIB)
  end()
  expect(listener.mock.calls).toEqual([[3 * MIB], [0]])
})

test('messages count without content too, as 16 KiB', () => {
  contentReceived(4 * MIB) // so that the count starts at 0
  const listener = vi.fn()
  const end = onContent(listener)
  for (let n = 0; n < 255; n++) messageBegun()
  expect(listener).not.toHaveBeenCalled()
  messageBegun()
  end()
  expect(listener.mock.calls).toEqual([[0]])
})

test('connections count as well, as 16 KiB', () => {
  contentReceived(4 * MIB) // so that the count starts at 0
  const listener = vi.fn()
  const end = onContent(listener)
  for (let n = 0; n < 256; n++) connectionOpened()
  end()
  expect(listener.mock.calls).toEqual([[0]])
})

test('what the kernel has for a connection counts until it is closed', () => {
  const before = kernelBytes()
  connectionOpened()
  connectionOpened()
  expect(kernelBytes() - before).toBe(8 * 1_024)
  connectionClosed()
  expect(kernelBytes() - before).toBe(4 * 1_024)
})

test('in a small container it is called more often, and young garbage is collected more often', async () => {
  vi.spyOn(process, 'constrainedMemory').mockReturnValue(128 * MIB)
  vi.resetModules()
  const collectYoung = vi.fn()
  vi.doMock('../../src/heap/collector.ts', () => ({ collectYoung }))
  const volume = await import('../../src/heap/content-volume.ts')
  const listener = vi.fn()
  const end = volume.onContent(listener)
  for (let n = 0; n < 16; n++) volume.contentReceived(MIB / 4)
  end()
  vi.doUnmock('../../src/heap/collector.ts')
  expect([listener.mock.calls.length, collectYoung.mock.calls.length]).toEqual([4, 2])
})
