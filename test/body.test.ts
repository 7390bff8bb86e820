import { describe, expect, test } from 'vitest'
import { type ArrivalOptions, Body, BodyBudget, type BodyReader, CountedContent, heldBytes, hold } from '../src/body.ts'
import type { HerdgateError } from '../src/errors.ts'
import { onContent } from '../src/heap/content-volume.ts'
import { FakeClock, settle } from './support/fake-clock.ts'
import fc from './support/fast-check.ts'
import { PushedBody } from './support/scripted-origin.ts'

function arriving(options: Partial<ArrivalOptions> = {}) {
  const source = new PushedBody()
  const clock = new FakeClock()
  let stopped = false
  const stop = () => {
    stopped = true
  }
  const body = Body.from(source, {
    length: undefined,
    keepBytes: 100,
    windowBytes: 8,
    stallMs: 1_000,
    clock,
    stop,
    ...options,
  })
  return { source, clock, body, stopped: () => stopped }
}

async function next(reader: BodyReader): Promise<string | undefined> {
  const chunk = await reader.next()
  return chunk && Buffer.from(chunk).toString()
}

async function everything(reader: BodyReader): Promise<string> {
  let text = ''
  for (let chunk = await next(reader); chunk !== undefined; chunk = await next(reader)) text += chunk
  return text
}

describe('while a body is kept', () => {
  test('readers start at the first byte, whenever they join', async () => {
    const { source, body } = arriving()
    const early = body.read()
    source.push('ab')
    await settle()
    const late = body.read()
    expect([await next(early), await next(late)]).toEqual(['ab', 'ab'])
    source.push('c')
    source.end()
    expect([await next(early), await next(late)]).toEqual(['c', 'c'])
    expect([await next(early), await next(late)]).toEqual([undefined, undefined])
    expect(await next(body.read())).toBe('abc')
  })

  test('it arrives at its own pace, whatever its readers do', async () => {
    const { source, body } = arriving()
    body.read()
    for (let n = 0; n < 5; n++) source.push('0123456789')
    source.end()
    await settle()
    expect(source.taken).toBe(5)
    expect(body.bytes).toHaveLength(50)
  })

  test('what is kept is a copy of exactly its size', async () => {
    const { source, body } = arriving()
    source.push('small')
    source.end()
    expect(await body.fate).toBe('kept')
    expect(body.bytes?.buffer.byteLength).toBe(5)
  })

  test('readers that leave do not stop it', async () => {
    const { source, body, stopped } = arriving()
    body.read().cancel()
    source.push('x')
    source.end()
    expect(await body.fate).toBe('kept')
    expect(stopped()).toBe(false)
  })

  test('a body that breaks off does so for every reader, after what had arrived', async () => {
    const { source, body } = arriving()
    const readers = [body.read(), body.read()]
    source.push('half')
    await settle()
    source.break()
    for (const reader of readers) {
      expect(await next(reader)).toBe('half')
      await expect(next(reader)).rejects.toMatchObject({ code: 'origin_reset' })
    }
    expect(await body.fate).toBe('broken')
    expect(body.bytes).toBeUndefined()
  })

  test("an error that has no code is one failure, for readers and report, and not the origin's", async () => {
    const error = new TypeError('of its own making')
    const failures: HerdgateError[] = []
    const { source, body } = arriving({ brokeOff: (failure) => failures.push(failure) })
    const reader = body.read()
    source.break(error)
    const read = await Promise.resolve(reader.next()).catch((thrown: unknown) => thrown)
    expect(read).toMatchObject({ code: 'internal', message: 'of its own making', cause: error })
    expect([failures.length, failures[0] === read]).toEqual([1, true])
  })

  test('a source that throws something that cannot be written as text breaks off like any other', async () => {
    const source = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(Object.create(null)) }) }
    const clock = new FakeClock()
    const body = Body.from(source, { length: undefined, keepBytes: 1, windowBytes: 1, stallMs: 1, clock, stop() {} })
    await expect(body.read().next()).rejects.toMatchObject({ code: 'internal' })
    expect(await body.fate).toBe('broken')
  })
})

describe('once a body exceeds the limit', () => {
  test('no reader may join any more, and it is not kept', async () => {
    const { source, body } = arriving({ keepBytes: 4 })
    const reader = body.read()
    source.push('12345')
    expect(await next(reader)).toBe('12345')
    expect(body.joinable).toBe(false)
    expect(await body.fate).toBe('outgrown')
    source.end()
    expect(await next(reader)).toBeUndefined()
    expect(body.bytes).toBeUndefined()
  })

  test('a reader that comes too late for the first byte gets an error, not the rest', async () => {
    const { source, body } = arriving({ keepBytes: 4 })
    const early = body.read()
    source.push('12345')
    await next(early)
    source.push('6789012345678')
    await settle()
    await next(early)
    const late = body.read()
    await expect(next(late)).rejects.toMatchObject({ code: 'client_gone' })
    source.end()
    expect(await next(early)).toBeUndefined()
  })

  test('a length above the limit is known from the start', async () => {
    const { body } = arriving({ keepBytes: 4, length: 5 })
    expect(body.joinable).toBe(false)
    expect(await body.fate).toBe('outgrown')
  })

  test('the reader sets the pace: no more than a window is held', async () => {
    const { source, body } = arriving({ keepBytes: 0 })
    const reader = body.read()
    for (let n = 0; n < 100; n++) source.push('0123')
    await settle()
    expect(source.taken).toBe(3) // 8 bytes of window, and the chunk that exceeded it
    await next(reader)
    await settle()
    expect(source.taken).toBe(4)
  })

  test('it waits for a lone reader, however long', async () => {
    const { source, clock, body } = arriving({ keepBytes: 0 })
    const reader = body.read()
    for (let n = 0; n < 5; n++) source.push('0123')
    source.end()
    await clock.advance(3_600_000)
    for (let n = 0; n < 5; n++) expect(await next(reader)).toBe('0123')
    expect(await next(reader)).toBeUndefined()
  })

  test('a reader that delays others is dropped, and only that one', async () => {
    const { source, clock, body } = arriving({ keepBytes: 1 })
    const stuck = body.read()
    const quick = body.read()
    for (let n = 0; n < 5; n++) source.push('0123')
    source.end()
    for (let n = 0; n < 3; n++) expect(await next(quick)).toBe('0123')
    const fourth = next(quick)
    await clock.advance(1_000)
    await expect(next(stuck)).rejects.toMatchObject({ code: 'client_gone' })
    expect([await fourth, await next(quick)]).toEqual(['0123', '0123'])
    expect(await next(quick)).toBeUndefined()
  })

  test('when the last reader leaves, the source is stopped', async () => {
    const { source, body, stopped } = arriving({ keepBytes: 0 })
    const [a, b] = [body.read(), body.read()]
    source.push('x')
    await settle()
    a.cancel()
    expect(stopped()).toBe(false)
    b.cancel()
    expect(stopped()).toBe(true)
  })

  test('a body that nobody will read can be discarded', () => {
    const { body, stopped } = arriving({ keepBytes: 0 })
    body.discard()
    expect(stopped()).toBe(true)
  })
})

describe('a reader that is slow but not stuck', () => {
  const beside = async (others: number) => {
    const { source, clock, body } = arriving({ keepBytes: 1 })
    const slow = body.read()
    const quick = Array.from({ length: others }, () => body.read())
    for (let n = 0; n < 100; n++) source.push('0123')
    const taken = quick.map(() => 0)
    const takeAll = async (reader: BodyReader, which: number) => {
      while ((await reader.next()) !== undefined) taken[which] = (taken[which] ?? 0) + 1
    }
    for (const [which, reader] of quick.entries()) void takeAll(reader, which).catch(() => {}) // it may be cancelled
    await settle()
    return { source, clock, slow, quick, taken }
  }
  const take = async (chunks: number, reader: BodyReader) => {
    for (let n = 0; n < chunks; n++) expect(await next(reader)).toBe('0123')
    await settle()
  }

  test('is dropped when it has delayed others for too long in total', async () => {
    const { clock, slow, taken } = await beside(2)
    for (let n = 0; n < 2; n++) {
      await clock.advance(400)
      await take(1, slow)
    }
    await clock.advance(199)
    expect(taken).toEqual([5, 5])
    await clock.advance(1)
    expect(taken).toEqual([100, 100])
    await expect(next(slow)).rejects.toMatchObject({ code: 'client_gone' })
  })

  test('is dropped even if it is quick now and then', async () => {
    const { clock, slow, taken } = await beside(1)
    await clock.advance(800)
    await take(30, slow)
    await clock.advance(199)
    expect(taken).toEqual([33])
    await clock.advance(1)
    expect(taken).toEqual([100])
  })

  test('is credited with a tenth of the time in which it delays no other reader', async () => {
    const { source, clock, slow, taken } = await beside(1)
    await clock.advance(800)
    await take(100, slow)
    await clock.advance(4_000)
    for (let n = 0; n < 100; n++) source.push('0123')
    await settle()
    await clock.advance(599)
    expect(taken).toEqual([103])
    await clock.advance(1)
    expect(taken).toEqual([200])
  })

  test('is waited for by others that are as slow, however long', async () => {
    const { source, clock, body } = arriving({ keepBytes: 1 })
    const readers = [body.read(), body.read()]
    for (let n = 0; n < 10; n++) source.push('0123')
    source.end()
    for (let n = 0; n < 10; n++) {
      for (const reader of readers) {
        await clock.advance(900)
        await take(1, reader)
      }
    }
    for (const reader of readers) expect(await next(reader)).toBeUndefined()
  })

  test('is waited for, however long, once those it delayed have left', async () => {
    const { source, clock, slow, quick } = await beside(1)
    await clock.advance(900)
    for (const reader of quick) reader.cancel()
    expect(clock.pending).toBe(0)
    await clock.advance(3_600_000)
    source.end()
    await take(100, slow)
    expect(await next(slow)).toBeUndefined()
  })

  test('is dropped together with others that are no quicker', async () => {
    const { source, clock, body } = arriving({ keepBytes: 1 })
    const [one, another, quick] = [body.read(), body.read(), body.read()]
    for (let n = 0; n < 5; n++) source.push('0123')
    source.end()
    const taken = countChunks(quick)
    await settle()
    await clock.advance(1_000)
    for (const reader of [one, another]) await expect(next(reader)).rejects.toMatchObject({ code: 'client_gone' })
    expect(await taken).toBe(5)
  })
})

test('a complete body is read in one piece, by any number of readers', async () => {
  const body = Body.of(Buffer.from('abc'))
  for (let n = 0; n < 2; n++) {
    const reader = body.read()
    expect([await next(reader), await next(reader)]).toEqual(['abc', undefined])
  }
  expect(await next(Body.of(Buffer.alloc(0)).read())).toBeUndefined()
})

describe('memory that bodies share', () => {
  const KIB = 1024
  const LARGE = 'x'.repeat(100 * KIB)
  const kept = (budget: BodyBudget) => arriving({ keepBytes: 10 ** 6, windowBytes: 10 ** 6, budget })

  test('is taken while they arrive, and returned when they are complete', async () => {
    const budget = new BodyBudget(10 ** 6)
    const { source, body } = kept(budget)
    source.push(LARGE)
    await settle()
    expect(budget.used).toBeGreaterThan(LARGE.length)
    source.end()
    await settle()
    expect([body.bytes?.length, budget.used]).toEqual([LARGE.length, 0])
  })

  test('is returned after they break off, as far as their readers have read', async () => {
    const budget = new BodyBudget(10 ** 6)
    const { source, body } = kept(budget)
    const [quick, slow] = [body.read(), body.read()]
    source.push('first')
    source.push(LARGE)
    await settle()
    for (const reader of [quick, quick, slow]) await next(reader)
    source.break()
    await settle()
    const held = budget.used
    expect([held > LARGE.length, held < LARGE.length + 2 * 256]).toEqual([true, true])
    expect(await next(slow)).toBe(LARGE)
    expect(budget.used).toBe(0)
    await expect(next(slow)).rejects.toThrow()
    await expect(next(quick)).rejects.toThrow()
  })

  test('is exhausted: the next large body is passed on completely but not kept, while small ones are kept', async () => {
    const budget = new BodyBudget(150 * KIB)
    const [first, second, small] = [kept(budget), kept(budget), kept(budget)]
    const reader = second.body.read()
    first.source.push(LARGE)
    second.source.push(LARGE)
    small.source.push('small')
    await settle()
    expect([first, second, small].map(({ body }) => body.joinable)).toEqual([true, false, true])
    for (const { source } of [first, second, small]) source.end()
    expect(await next(reader)).toBe(LARGE)
    expect(await next(reader)).toBeUndefined()
    expect([await first.body.fate, await second.body.fate, await small.body.fate]).toEqual(['kept', 'broken', 'kept'])
    expect(budget.used).toBe(0)
  })

  test('is exhausted while memory is short: a large body is passed on, and not even copied at its end', async () => {
    const pressure = { high: false }
    const budget = new BodyBudget(10 ** 6, pressure)
    const [complete, partial, small] = [kept(budget), kept(budget), kept(budget)]
    const readers = [complete, partial, small].map(({ body }) => body.read())
    for (const { source } of [complete, partial]) source.push(LARGE)
    small.source.push('small')
    await settle()
    pressure.high = true
    partial.source.push(LARGE)
    await settle()
    expect([complete, partial, small].map(({ body }) => body.joinable)).toEqual([true, false, true])
    for (const { source } of [complete, partial, small]) source.end()
    expect(await Promise.all(readers.map(everything))).toEqual([LARGE, LARGE + LARGE, 'small'])
    const fates = [complete, partial, small].map(({ body }) => body.fate)
    expect(await Promise.all(fates)).toEqual(['broken', 'broken', 'kept'])
    expect(budget.used).toBe(0)
  })

  test('a copy of all content is announced: what notices that memory is short for it prevents it', async () => {
    const pressure = { high: false }
    const end = onContent((soon) => void (pressure.high = soon > 4 * KIB * KIB))
    const { source, body } = arriving({ keepBytes: 10 ** 7, budget: new BodyBudget(10 ** 7, pressure) })
    source.push('x'.repeat(5 * KIB * KIB))
    source.end()
    await settle()
    end()
    expect([await body.fate, body.bytes]).toEqual(['broken', undefined])
  })

  test('is exhausted sooner by content in small pieces, which cost more than their length', async () => {
    const budget = new BodyBudget(150 * KIB)
    const { source, body } = kept(budget)
    for (let pieces = 0; pieces < 1_000; pieces++) source.push('x')
    await settle()
    expect(body.joinable).toBe(false)
  })

  test('is held by a reader that is behind, until it has read or left', async () => {
    const budget = new BodyBudget(10 ** 6)
    const { source, body } = arriving({ keepBytes: 5, windowBytes: 100, budget })
    const [slow, quick] = [body.read(), body.read()]
    for (const chunk of ['abc', 'def', 'ghi']) source.push(chunk)
    source.end()
    await settle()
    const all = budget.used
    expect([await next(quick), await next(quick), await next(quick)]).toEqual(['abc', 'def', 'ghi'])
    expect(budget.used).toBe(all)
    await next(slow)
    expect(budget.used).toBeLessThan(all)
    slow.cancel()
    quick.cancel()
    expect(budget.used).toBe(0)
  })

  test('is held for what the slowest reader has yet to take, in whatever order they read and leave', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ who: fc.nat(3), leaves: fc.nat(9).map((n) => n === 0) })),
        async (steps) => {
          const budget = new BodyBudget(10 ** 6)
          const { source, body } = arriving({ keepBytes: 1, windowBytes: 100, budget })
          const readers = [0, 0, 0, 0].map((taken) => ({ reader: body.read(), taken }))
          const there = new Set(readers)
          for (const chunk of ['abc', 'def', 'ghi', 'jkl']) source.push(chunk)
          await settle()
          for (const { who, leaves } of steps) {
            const one = readers[who]
            if (one === undefined || one.taken === 4) continue
            if (leaves) {
              one.reader.cancel()
              there.delete(one)
            } else if (there.has(one)) {
              await one.reader.next()
              one.taken++
            }
            const slowest = Math.min(4, ...Array.from(there, ({ taken }) => taken))
            expect(budget.used).toBe(there.size === 0 ? 0 : (4 - slowest) * (3 + 256))
          }
        },
      ),
    ))

  test('is held by a complete body until its last reader has read it or left, unless a store counts it', async () => {
    const { source, body } = kept(new BodyBudget(10 ** 6))
    const [one, other] = [body.read(), body.read()]
    source.push(LARGE)
    await settle()
    expect(await next(one)).toBe(LARGE)
    source.push(LARGE)
    source.end()
    await settle()
    const { bytes = Buffer.alloc(0) } = body
    const store = new CountedContent()
    expect(heldBytes()).toBe(2 * LARGE.length)
    store.add(bytes)
    expect(heldBytes()).toBe(0)
    store.delete(bytes)
    expect(heldBytes()).toBe(2 * LARGE.length)
    expect(await everything(one)).toBe(LARGE)
    expect(heldBytes()).toBe(2 * LARGE.length)
    other.cancel()
    expect(heldBytes()).toBe(0)
  })

  test('is not held by a complete body whose reader had read all of it and was waiting for the end', async () => {
    const { source, body } = kept(new BodyBudget(10 ** 6))
    const read = everything(body.read())
    source.push(LARGE)
    await settle()
    source.end()
    expect(await read).toBe(LARGE)
    expect(heldBytes()).toBe(0)
  })

  test('is exhausted by complete bodies that are held', async () => {
    const budget = new BodyBudget(150 * KIB)
    const letGo = [hold(Buffer.alloc(100 * KIB)), hold(Buffer.alloc(100 * KIB))]
    expect(budget.isSpent).toBe(true)
    letGo[0]?.()
    expect(budget.isSpent).toBe(false)
    letGo[1]?.()
    expect(heldBytes()).toBe(0)
  })

  test('is held once for all readers of a body, and not for small ones', () => {
    const content = Buffer.alloc(100 * KIB)
    const letGo = [hold(content), hold(content.subarray(1)), hold(Buffer.alloc(KIB))]
    expect(heldBytes()).toBe(content.length)
    for (const end of letGo) end()
    expect(heldBytes()).toBe(0)
  })

  test('is not held by the last few bytes of a complete body', async () => {
    const { source, body } = kept(new BodyBudget(10 ** 6))
    const reader = body.read()
    source.push(LARGE)
    await settle()
    await next(reader)
    source.push('rest')
    source.end()
    await settle()
    const rest = await reader.next()
    expect(rest?.buffer.byteLength).toBeLessThan(LARGE.length)
    expect(await next(reader)).toBeUndefined()
  })

  test('is scarce: a body that is passed on is held a chunk at a time, until it is no longer', async () => {
    const pressure = { high: true }
    const { source, body } = arriving({ keepBytes: 0, windowBytes: 8, budget: new BodyBudget(10 ** 6, pressure) })
    const [reader, slow] = [body.read(), body.read()]
    for (let n = 0; n < 9; n++) source.push('0123')
    await settle()
    expect(source.taken).toBe(1)
    expect([await next(reader), await next(slow)]).toEqual(['0123', '0123'])
    await settle()
    expect([await next(reader), source.taken]).toEqual(['0123', 2])
    pressure.high = false
    expect(await next(reader)).toBe('0123')
    await settle()
    expect(source.taken).toBe(4) // 8 bytes of window, and the chunk that exceeded it
  })

  test.each(['breaks off', 'is discarded', 'is left'])('is returned when a body %s', async (how) => {
    const budget = new BodyBudget(10 ** 6)
    const { source, body } = arriving({ keepBytes: 5, windowBytes: 100, budget })
    source.push('abcdefgh')
    await settle()
    expect(budget.used).toBeGreaterThan(0)
    if (how === 'breaks off') source.break()
    else if (how === 'is discarded') body.discard()
    else body.read().cancel()
    source.end() // as the origin does when it is stopped
    await settle()
    expect(budget.used).toBe(0)
  })
})

describe('a body that waits for room without readers', () => {
  type Leave = (body: Body) => void | Promise<void>
  const waiting = async (keepBytes: number, leave: Leave) => {
    const budget = new BodyBudget(10 ** 6)
    budget.take(1_000) // taken by others
    const { source, clock, body, stopped } = arriving({ keepBytes, budget })
    for (let n = 0; n < 20; n++) source.push('0123')
    await leave(body)
    await settle()
    return { source, clock, body, budget, stopped }
  }

  const slowLeavesLast: Leave = async (body) => {
    const [slow, quick] = [body.read(), body.read()]
    for (const reader of [slow, quick, quick, quick]) expect(await next(reader)).toBe('0123')
    await settle()
    quick.cancel()
    slow.cancel()
  }

  test.each<[string, number, Leave]>([
    ['its readers leave, the slow one last', 0, slowLeavesLast],
    ['its readers leave after it has outgrown its limit', 10, slowLeavesLast],
    ['its reader leaves before it has outgrown its limit', 10, (body) => body.read().cancel()],
    ['discarded', 0, (body) => settle().then(() => body.discard())],
    ['discarded before it has outgrown its limit', 10, (body) => body.discard()],
  ])('is released: %s', async (_, keepBytes, leave) => {
    const { source, clock, body, budget, stopped } = await waiting(keepBytes, leave)
    expect(stopped()).toBe(true)
    expect([budget.used, clock.pending]).toEqual([1_000, 0])
    source.push('still on its way')
    await settle()
    expect([source.taken, budget.used]).toEqual([21, 1_000])
    source.break() // as the origin does when it is stopped
    await settle()
    expect([budget.used, clock.pending, await body.fate]).toEqual([1_000, 0, 'outgrown'])
  })

  test('is released: left, and then over the memory limit', async () => {
    const budget = new BodyBudget(1_000)
    const { source, clock, body, stopped } = arriving({ keepBytes: 10 ** 6, budget })
    body.read().cancel()
    for (let n = 0; n < 3; n++) source.push('x'.repeat(65 * 1024))
    await settle()
    expect([stopped(), budget.used, clock.pending, await body.fate]).toEqual([true, 0, 0, 'broken'])
    source.end()
    await settle()
    expect([source.taken, budget.used]).toEqual([3, 0])
  })

  test('has nothing for a reader that comes after it was discarded', async () => {
    const { source, body, budget } = await waiting(0, (left) => left.discard())
    await expect(next(body.read())).rejects.toMatchObject({ code: 'client_gone' })
    source.end()
    await settle()
    await expect(next(body.read())).rejects.toMatchObject({ code: 'client_gone' })
    expect(budget.used).toBe(1_000)
  })

  test('keeps waiting for its first reader', async () => {
    const { source, clock, body, stopped } = await waiting(0, () => {})
    await clock.advance(3_600_000)
    expect([source.taken, stopped()]).toEqual([3, false])
    const reader = body.read()
    for (let n = 0; n < 20; n++) expect(await next(reader)).toBe('0123')
    source.end()
    expect(await next(reader)).toBeUndefined()
  })
})

test('a reader that continues after all has arrived gets the rest in one piece of the stored memory', async () => {
  const { source, body } = arriving()
  const reader = body.read()
  for (const chunk of ['ab', 'cd', 'ef']) source.push(chunk)
  await settle()
  expect(await next(reader)).toBe('ab')
  source.end()
  await settle()
  const rest = await reader.next()
  expect(rest?.buffer).toBe(body.bytes?.buffer)
  expect([Buffer.from(rest ?? []).toString(), await next(reader)]).toEqual(['cdef', undefined])
})

test('releasing chunks one by one takes linear, not quadratic, time', async () => {
  const chunks = 400_000
  const before = process.threadCpuUsage()
  const { source, body } = arriving({ keepBytes: chunks - 1, windowBytes: chunks })
  const reader = body.read()
  for (let pieces = 0; pieces < chunks; pieces++) source.push('x')
  source.end()
  await settle()
  await settle()
  let bytes = 0
  for (let chunk = await reader.next(); chunk !== undefined; chunk = await reader.next()) bytes += chunk.length
  expect(bytes).toBe(chunks)
  expect(process.threadCpuUsage(before).user).toBeLessThan(30_000_000) // in microseconds; minutes if quadratic
})

test('many readers of a body that is not kept take linear, not quadratic, time', async () => {
  const [readers, chunks] = [5_000, 100]
  const before = process.threadCpuUsage()
  const { source, body } = arriving({ keepBytes: 1 })
  const all = Array.from({ length: readers }, () => countChunks(body.read()))
  for (let pieces = 0; pieces < chunks; pieces++) source.push('0123')
  source.end()
  expect((await Promise.all(all)).every((taken) => taken === chunks)).toBe(true)
  expect(process.threadCpuUsage(before).user).toBeLessThan(5_000_000) // in microseconds; twenty seconds if quadratic
})

async function countChunks(reader: BodyReader): Promise<number> {
  let chunks = 0
  while ((await reader.next()) !== undefined) chunks++
  return chunks
}

describe('content that has arrived completely', () => {
  const there = (text: string, options: Partial<ArrivalOptions> = {}) => {
    const whole = [Buffer.from(text.slice(0, 2)), Buffer.from(text.slice(2))]
    const takeWhole = (mostBytes: number) => (text.length <= mostBytes ? whole : undefined)
    const source = Object.assign(once(text), { takeWhole })
    const clock = new FakeClock()
    const limits = { length: undefined, keepBytes: 10, windowBytes: 8, stallMs: 1_000, clock }
    return Body.from(source, { ...limits, stop: () => {}, ...options })
  }
  async function* once(text: string): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text)
  }

  test('is kept at once, in memory of exactly its size', () => {
    const body = there('whole')
    expect(body.bytes?.toString()).toBe('whole')
    expect(body.bytes?.buffer.byteLength).toBe(5)
    expect(body.fate).toBe('kept')
    expect(body.joinable).toBe(true)
  })

  test.each<[string, Partial<ArrivalOptions>]>([
    ['is longer than may be kept', { keepBytes: 4 }],
    ['has trailers', { trailers: () => ['X-Sum', '1'] }],
  ])('is read chunk by chunk when it %s', async (_, options) => {
    const body = there('whole', options)
    expect(body.bytes).toBeUndefined()
    const reader = body.read()
    expect(await next(reader)).toBe('whole')
    expect(await next(reader)).toBeUndefined()
    expect(reader.trailers()).toEqual(options.trailers?.() ?? [])
  })

  test('is passed whole if it is small, although it is not to be kept', async () => {
    const body = there('whole', { keepBytes: 0 })
    expect(body.bytes?.toString()).toBe('whole')
    expect(body.fate).toBe('outgrown')
    expect(there('.'.repeat(64 * 1024), { keepBytes: 0 }).bytes?.length).toBe(64 * 1024)
    const large = there('.'.repeat(64 * 1024 + 1), { keepBytes: 0 })
    expect(large.bytes).toBeUndefined()
    expect(large.joinable).toBe(false)
    expect((await next(large.read()))?.length).toBe(64 * 1024 + 1)
  })

  test('is complete only once a reader has begun, if it has trailers', async () => {
    const body = there('whole', { trailers: () => ['X-Sum', '1'] })
    for (let ticks = 0; ticks < 100; ticks++) await Promise.resolve()
    const reader = body.read()
    expect(reader.trailers()).toEqual(['X-Sum', '1'])
    expect(await body.fate).toBe('kept')
    expect(body.read().trailers()).toEqual([])
  })
})
