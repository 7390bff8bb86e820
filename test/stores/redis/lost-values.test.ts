import { expect, test, vi } from 'vitest'
import { LostValues } from '../../../src/stores/redis/lost-values.ts'
import { FakeClock, settle } from '../../support/fake-clock.ts'

/** Records what it removes; removals succeed while `works` is set. */
function lostValues() {
  const clock = new FakeClock()
  const state = { works: true }
  const removed: string[][] = []
  const remove = async (keys: readonly string[]) => {
    removed.push([...keys])
    return keys.map(() => state.works)
  }
  return { clock, state, removed, lost: new LostValues({ clock, remove }) }
}

test('a lost value is removed a little later, and forgotten', async () => {
  const { clock, removed, lost } = lostValues()
  lost.add('a', lost.beginWrite())
  lost.add('b', lost.beginWrite())
  expect([lost.has('a'), lost.has('c'), removed]).toEqual([true, false, []])
  await clock.advance(1_000)
  expect([lost.has('a'), removed, clock.pending]).toEqual([false, [['a', 'b']], 0])
})

test('a removal that fails is retried until it succeeds', async () => {
  const { clock, state, removed, lost } = lostValues()
  state.works = false
  lost.add('a', lost.beginWrite())
  await clock.advance(3_000)
  expect([lost.has('a'), removed.length]).toEqual([true, 3])
  state.works = true
  await clock.advance(10_000)
  expect([lost.has('a'), removed.length, clock.pending]).toEqual([false, 4, 0])
})

test('a value that cannot be removed does not delay the rest', async () => {
  const clock = new FakeClock()
  const remove = async (keys: readonly string[]) => keys.map((key) => !key.startsWith('elsewhere'))
  const lost = new LostValues({ clock, remove })
  for (let n = 0; n < 1_500; n++) lost.add(`elsewhere${n}`, lost.beginWrite())
  lost.add('here', lost.beginWrite())
  await clock.advance(2_000)
  expect([lost.has('here'), lost.has('elsewhere0')]).toEqual([false, true])
  await lost.close()
})

test('a write makes up for losses before it, but not after it', () => {
  const { lost } = lostValues()
  const [first, second, third] = [lost.beginWrite(), lost.beginWrite(), lost.beginWrite()]
  lost.add('k', second)
  lost.forget('k', first)
  expect(lost.has('k')).toBe(true)
  lost.add('k', first) // reported late
  lost.forget('k', first)
  expect(lost.has('k')).toBe(true)
  lost.forget('k', third)
  expect(lost.has('k')).toBe(false)
})

test('a value lost again during its removal is removed once more', async () => {
  const clock = new FakeClock()
  const gate = Promise.withResolvers<boolean[]>()
  const remove = vi.fn(() => gate.promise)
  const lost = new LostValues({ clock, remove })
  lost.add('k', lost.beginWrite())
  await clock.advance(1_000)
  lost.add('k', lost.beginWrite())
  gate.resolve([true])
  await settle()
  expect([remove.mock.calls, lost.has('k')]).toEqual([[[['k']], [['k']]], false])
})

test('of more than ten thousand, the oldest are forgotten', async () => {
  const { clock, removed, lost } = lostValues()
  for (let n = 0; n < 10_001; n++) lost.add(`${n}`, lost.beginWrite())
  expect([lost.has('0'), lost.has('1'), lost.has('10000')]).toEqual([false, true, true])
  await clock.advance(1_000)
  expect(removed.map((keys) => keys.length)).toEqual(Array.from({ length: 10 }, () => 1_000))
})

test('on close removal is tried once more, and never again', async () => {
  const { clock, state, removed, lost } = lostValues()
  expect(lost.close()).toBeUndefined()
  const other = lostValues()
  other.state.works = false
  other.lost.add('k', other.lost.beginWrite())
  await other.lost.close()
  expect([other.removed, other.clock.pending]).toEqual([[['k']], 0])
  lost.add('k', lost.beginWrite())
  await clock.advance(10_000)
  expect([state.works, removed]).toEqual([true, []])
})
