import { describe, expect, test } from 'vitest'
import { createConcurrencyLimit } from '../../src/origin/concurrency-limit.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'

const full = { places: 2, queue: 2, waitMs: 1_000 }

describe('a concurrency limit', () => {
  test('admits up to its limit, then in order of arrival as places become free', async () => {
    const limit = createConcurrencyLimit(full, new FakeClock())
    const admitted: string[] = []
    const enter = (name: string) => limit.enter().then(() => admitted.push(name))
    const all = ['a', 'b', 'c', 'd'].map(enter)
    await settle()
    expect(admitted).toEqual(['a', 'b'])
    expect(limit.usage()).toEqual({ inFlight: 2, queued: 2 })
    limit.leave()
    await settle()
    expect(admitted).toEqual(['a', 'b', 'c'])
    expect(limit.usage()).toEqual({ inFlight: 2, queued: 1 })
    limit.leave()
    await Promise.all(all)
    expect(admitted).toEqual(['a', 'b', 'c', 'd'])
    limit.leave()
    limit.leave()
    expect(limit.usage()).toEqual({ inFlight: 0, queued: 0 })
  })

  test('rejects requests when the queue is full, and those that waited too long', async () => {
    const clock = new FakeClock()
    const limit = createConcurrencyLimit({ ...full, places: 1, queue: 1 }, clock)
    await limit.enter()
    const waiting = expect(limit.enter()).rejects.toMatchObject({ code: 'overloaded' })
    await expect(limit.enter()).rejects.toMatchObject({ code: 'overloaded' })
    await clock.advance(999)
    expect(limit.usage().queued).toBe(1)
    await clock.advance(1)
    await waiting
    expect(limit.usage()).toEqual({ inFlight: 1, queued: 0 })
    expect(clock.pending).toBe(0)
  })

  test('removes requests that leave from anywhere in the queue', async () => {
    const clock = new FakeClock()
    const limit = createConcurrencyLimit({ ...full, places: 1, queue: 3 }, clock)
    await limit.enter()
    const leaver = new AbortController()
    const left = expect(limit.enter(leaver.signal)).rejects.toMatchObject({ code: 'client_gone' })
    const behind = limit.enter()
    leaver.abort()
    await left
    limit.leave()
    await behind
    expect(clock.pending).toBe(0)
    await expect(limit.enter(AbortSignal.abort())).rejects.toMatchObject({ code: 'client_gone' })
    expect(limit.usage()).toEqual({ inFlight: 1, queued: 0 })
  })

  describe('with a successor', () => {
    test('shares its places, up to the number the successor was given', async () => {
      const former = createConcurrencyLimit({ ...full, places: 3 }, new FakeClock())
      for (let count = 0; count < 3; count++) await former.enter()
      const successor = former.successor({ ...full, places: 2 })
      expect(successor.tryEnter()).toBe(false)
      former.leave()
      expect([former.tryEnter(), successor.tryEnter()]).toEqual([false, false])
      former.leave()
      expect(successor.tryEnter()).toBe(true)
      expect([former.usage().inFlight, successor.usage().inFlight]).toEqual([1, 1])
      expect([former.tryEnter(), successor.tryEnter()]).toEqual([false, false])
    })

    test('shares the queue: requests that came earlier are admitted first', async () => {
      const former = createConcurrencyLimit({ ...full, places: 1 }, new FakeClock())
      await former.enter()
      const admitted: string[] = []
      const early = former.enter().then(() => admitted.push('early'))
      const successor = former.successor({ ...full, places: 1 })
      const late = successor.enter().then(() => admitted.push('late'))
      await expect(successor.enter()).rejects.toMatchObject({ code: 'overloaded' })
      expect([former.usage(), successor.usage()]).toEqual([
        { inFlight: 1, queued: 1 },
        { inFlight: 0, queued: 1 },
      ])
      former.leave()
      await early
      former.leave()
      await late
      expect(admitted).toEqual(['early', 'late'])
      expect([former.usage(), successor.usage()]).toEqual([
        { inFlight: 0, queued: 0 },
        { inFlight: 1, queued: 0 },
      ])
    })

    test('with more places admits queued requests at once', async () => {
      const former = createConcurrencyLimit({ ...full, places: 1 }, new FakeClock())
      await former.enter()
      const waiting = [former.enter(), former.enter()]
      former.successor({ ...full, places: 3 })
      await Promise.all(waiting)
      expect(former.usage()).toEqual({ inFlight: 3, queued: 0 })
    })

    test('is idle when none of its requests is in progress or queued', async () => {
      const former = createConcurrencyLimit({ ...full, places: 1 }, new FakeClock())
      await former.enter()
      const successor = former.successor({ ...full, places: 1 })
      await successor.idle()
      const leaver = new AbortController()
      const left = expect(successor.enter(leaver.signal)).rejects.toMatchObject({ code: 'client_gone' })
      let isIdle = false
      const idle = successor.idle().then(() => (isIdle = true))
      await settle()
      expect(isIdle).toBe(false)
      leaver.abort()
      await Promise.all([left, idle])
    })
  })

  test('is idle only when the last request has left', async () => {
    const limit = createConcurrencyLimit(full, new FakeClock())
    await limit.idle()
    await limit.enter()
    await limit.enter()
    let isIdle = false
    const idle = limit.idle().then(() => (isIdle = true))
    limit.leave()
    await settle()
    expect(isIdle).toBe(false)
    limit.leave()
    await idle
  })
})
