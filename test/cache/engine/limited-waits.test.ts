import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test, vi } from 'vitest'
import { limitedWaits } from '../../../src/cache/engine/limited-waits.ts'
import { FakeClock } from '../../support/fake-clock.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

test('each caller gets the result or gives up after its own limit', async () => {
  const clock = new FakeClock()
  const { promise, resolve } = Promise.withResolvers<number>()
  const waits = limitedWaits(promise)
  const [hasty, patient] = [waits.within(10, clock), waits.within(100, clock)]
  await clock.advance(50)
  resolve(7)
  expect(await Promise.all([hasty, patient, waits.within(10, clock)])).toEqual(['slow', 7, 7])
})

test('a caller that comes once the result is known gets it at once', async () => {
  const clock = new FakeClock()
  const waits = limitedWaits(Promise.resolve(7))
  expect(await waits.within(10, clock)).toBe(7)
  expect(await waits.within(10, clock)).toBe(7)
})

test('however many callers wait, the promise is subscribed to once and retains no caller that gave up', async () => {
  const clock = new FakeClock()
  const hung = new Promise<never>(() => {})
  const then = vi.spyOn(hung, 'then')
  const waits = limitedWaits(hung)
  const gone: WeakRef<Promise<unknown>>[] = []
  const wait = async () => {
    const waiting = waits.within(10, clock)
    gone.push(new WeakRef(waiting))
    await clock.advance(11)
    expect(await waiting).toBe('slow')
  }
  for (let at = 0; at < 10; at++) await wait()
  expect(then).toHaveBeenCalledTimes(1)
  await setImmediate()
  collectGarbage()
  expect(gone.filter((waiting) => waiting.deref() !== undefined)).toEqual([])
  expect(limitedWaits(hung)).not.toBe(waits) // keeps `waits` reachable until here
})
