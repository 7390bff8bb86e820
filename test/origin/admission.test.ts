import { describe, expect, test } from 'vitest'
import { createAdmission } from '../../src/origin/admission.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'

const full = { places: 2, line: 2, waitMs: 1_000 }

describe('admission', () => {
  test('admits as many as there are places, then in order of arrival as places come free', async () => {
    const admission = createAdmission(full, new FakeClock())
    const admitted: string[] = []
    const enter = (name: string) => admission.enter().then(() => admitted.push(name))
    const all = ['a', 'b', 'c', 'd'].map(enter)
    await settle()
    expect(admitted).toEqual(['a', 'b'])
    expect(admission.usage()).toEqual({ inFlight: 2, queued: 2 })
    admission.leave()
    await settle()
    expect(admitted).toEqual(['a', 'b', 'c'])
    expect(admission.usage()).toEqual({ inFlight: 2, queued: 1 })
    admission.leave()
    await Promise.all(all)
    expect(admitted).toEqual(['a', 'b', 'c', 'd'])
    admission.leave()
    admission.leave()
    expect(admission.usage()).toEqual({ inFlight: 0, queued: 0 })
  })

  test('turns away who comes when the line is full, and who waited too long', async () => {
    const clock = new FakeClock()
    const admission = createAdmission({ ...full, places: 1, line: 1 }, clock)
    await admission.enter()
    const waiting = expect(admission.enter()).rejects.toMatchObject({ code: 'overloaded' })
    await expect(admission.enter()).rejects.toMatchObject({ code: 'overloaded' })
    await clock.advance(999)
    expect(admission.usage().queued).toBe(1)
    await clock.advance(1)
    await waiting
    expect(admission.usage()).toEqual({ inFlight: 1, queued: 0 })
    expect(clock.pending).toBe(0)
  })

  test('lets who leaves out of the line, from anywhere in it', async () => {
    const clock = new FakeClock()
    const admission = createAdmission({ ...full, places: 1, line: 3 }, clock)
    await admission.enter()
    const leaver = new AbortController()
    const left = expect(admission.enter(leaver.signal)).rejects.toMatchObject({ code: 'client_gone' })
    const behind = admission.enter()
    leaver.abort()
    await left
    admission.leave()
    await behind
    expect(clock.pending).toBe(0)
    await expect(admission.enter(AbortSignal.abort())).rejects.toMatchObject({ code: 'client_gone' })
    expect(admission.usage()).toEqual({ inFlight: 1, queued: 0 })
  })

  describe('with a successor', () => {
    test('admits to the same places, of which there are as many as the successor was given', async () => {
      const former = createAdmission({ ...full, places: 3 }, new FakeClock())
      for (let count = 0; count < 3; count++) await former.enter()
      const successor = former.successor({ ...full, places: 2 })
      expect(successor.enterAtOnce()).toBe(false)
      former.leave()
      expect([former.enterAtOnce(), successor.enterAtOnce()]).toEqual([false, false])
      former.leave()
      expect(successor.enterAtOnce()).toBe(true)
      expect([former.usage().inFlight, successor.usage().inFlight]).toEqual([1, 1])
      expect([former.enterAtOnce(), successor.enterAtOnce()]).toEqual([false, false])
    })

    test('shares the line: who came before the successor is admitted before who comes by it', async () => {
      const former = createAdmission({ ...full, places: 1 }, new FakeClock())
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

    test('that has more places lets those in line in at once', async () => {
      const former = createAdmission({ ...full, places: 1 }, new FakeClock())
      await former.enter()
      const waiting = [former.enter(), former.enter()]
      former.successor({ ...full, places: 3 })
      await Promise.all(waiting)
      expect(former.usage()).toEqual({ inFlight: 3, queued: 0 })
    })

    test('is idle when nobody who came by it is in progress or in line', async () => {
      const former = createAdmission({ ...full, places: 1 }, new FakeClock())
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

  test('is idle only when the last one has left', async () => {
    const admission = createAdmission(full, new FakeClock())
    await admission.idle()
    await admission.enter()
    await admission.enter()
    let isIdle = false
    const idle = admission.idle().then(() => (isIdle = true))
    admission.leave()
    await settle()
    expect(isIdle).toBe(false)
    admission.leave()
    await idle
  })
})
