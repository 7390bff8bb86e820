import { expect, test } from 'vitest'
import { createSilenceTimer, type TimeoutReason } from '../../src/origin/silence-timer.ts'
import { FakeClock } from '../support/fake-clock.ts'

function timed() {
  const clock = new FakeClock()
  const state: { expired: TimeoutReason[] } = { expired: [] }
  return { clock, state, timer: createSilenceTimer(clock, (why) => state.expired.push(why)) }
}

test('silence is reported once, when it has lasted for the limit since the last touch', async () => {
  const { clock, state, timer } = timed()
  timer.start(100)
  for (let n = 0; n < 5; n++) {
    await clock.advance(80)
    timer.touch()
  }
  await clock.advance(99)
  expect(state.expired).toEqual([])
  await clock.advance(1)
  expect(state.expired).toEqual(['silent'])
  await clock.advance(1_000)
  expect(state.expired).toEqual(['silent'])
})

test('silence on hold does not count, and a touch restarts it', async () => {
  const { clock, state, timer } = timed()
  timer.start(100)
  await clock.advance(90)
  timer.hold()
  await clock.advance(1_000)
  expect(state.expired).toEqual([])
  timer.touch()
  await clock.advance(99)
  expect(state.expired).toEqual([])
  await clock.advance(1)
  expect(state.expired).toEqual(['silent'])
})

test('a new watch replaces the previous one, shorter or longer', async () => {
  const { clock, state, timer } = timed()
  timer.start(10_000)
  timer.start(100)
  await clock.advance(100)
  expect(state.expired).toEqual(['silent'])
  timer.start(100)
  timer.start(200)
  await clock.advance(150)
  expect(state.expired).toEqual(['silent'])
})

test('a total time limit expires for good, however often it was touched', async () => {
  const { clock, state, timer } = timed()
  timer.start(100, 250)
  for (let n = 0; n < 3; n++) {
    await clock.advance(80)
    timer.touch()
  }
  await clock.advance(9)
  expect(state.expired).toEqual([])
  await clock.advance(1)
  expect(state.expired).toEqual(['endless'])
  timer.touch()
  await clock.advance(1_000)
  expect(state.expired).toEqual(['endless'])
})

test('a total time limit expires on hold too, without a touch, and leaves no timer', async () => {
  const { clock, state, timer } = timed()
  timer.start(100, 1_250)
  await clock.advance(90)
  timer.hold()
  await clock.advance(1_159)
  expect(state.expired).toEqual([])
  await clock.advance(1)
  expect(state.expired).toEqual(['endless'])
  timer.hold()
  await clock.advance(10_000)
  expect([state.expired, clock.pending]).toEqual([['endless'], 0])
})

test('the total time limit cuts a longer silence limit short', async () => {
  const { clock, state, timer } = timed()
  timer.start(1_000, 250)
  await clock.advance(250)
  expect(state.expired).toEqual(['endless'])
})

test('time in which the process was blocked counts against the total time limit', async () => {
  const { clock, state, timer } = timed()
  timer.start(1_000, 1_800)
  clock.stall(1_700)
  await clock.advance(99)
  expect(state.expired).toEqual([])
  await clock.advance(1)
  expect(state.expired).toEqual(['endless'])
})

test('at rest after a hold no timer stays for longer than the silence limit', async () => {
  const { clock, state, timer } = timed()
  timer.start(100, 1_000_000)
  timer.hold()
  await clock.advance(1_000)
  timer.rest()
  await clock.advance(100)
  expect([state.expired, clock.pending]).toEqual([[], 0])
})

test('a hold does not stop the total time limit, and the next watch has its full time', async () => {
  const { clock, state, timer } = timed()
  timer.start(100, 250)
  timer.hold()
  await clock.advance(250)
  timer.touch()
  expect(state.expired).toEqual(['endless'])
  timer.start(100)
  for (let n = 0; n < 10; n++) {
    await clock.advance(80)
    timer.touch()
  }
  expect(state.expired).toEqual(['endless'])
})

test('after a stop nothing is pending and a touch starts nothing', async () => {
  const { clock, state, timer } = timed()
  timer.start(100)
  timer.stop()
  timer.touch()
  expect(clock.pending).toBe(0)
  await clock.advance(1_000)
  expect(state.expired).toEqual([])
})

test('time in which the process was blocked is granted again, once', async () => {
  const { clock, state, timer } = timed()
  timer.start(1_000)
  clock.stall(1_500)
  await clock.advance(0)
  expect(state.expired).toEqual([])
  await clock.advance(499)
  expect(state.expired).toEqual([])
  clock.stall(5_000)
  await clock.advance(0)
  expect(state.expired).toEqual(['silent'])
})

test('after a stall at the end of a watch, however short, what has arrived in the meantime is read first', async () => {
  const { clock, state, timer } = timed()
  timer.start(1_000)
  clock.stall(1_001)
  await clock.advance(0)
  expect(state.expired).toEqual([])
  await clock.advance(1)
  expect(state.expired).toEqual(['silent'])
})

test('a touch after a stall counts, and a new silence is counted in full', async () => {
  const { clock, state, timer } = timed()
  timer.start(1_000)
  clock.stall(60_000)
  await clock.advance(0)
  timer.touch()
  await clock.advance(999)
  expect(state.expired).toEqual([])
  await clock.advance(1)
  expect(state.expired).toEqual(['silent'])
})

test('a touch sets no timer', () => {
  const { clock, timer } = timed()
  timer.start(100)
  for (let n = 0; n < 1_000; n++) timer.touch()
  expect(clock.pending).toBe(1)
})

test('a watch that follows a rest needs no timer of its own', async () => {
  const { clock, state, timer } = timed()
  timer.start(100)
  await clock.advance(60)
  timer.rest()
  timer.touch()
  expect(clock.pending).toBe(1)
  timer.start(100)
  expect(clock.pending).toBe(1)
  await clock.advance(99)
  expect(state.expired).toEqual([])
  await clock.advance(1)
  expect(state.expired).toEqual(['silent'])
})

test('at rest nothing expires', async () => {
  const { clock, state, timer } = timed()
  timer.start(100)
  timer.rest()
  await clock.advance(1_000)
  expect(state.expired).toEqual([])
  expect(clock.pending).toBe(0)
})

test('a blocked process does not cut short a watch that began after the stall', async () => {
  const { clock, state, timer } = timed()
  timer.start(1_000)
  timer.rest()
  clock.stall(1_200)
  timer.start(1_000)
  await clock.advance(999)
  expect(state.expired).toEqual([])
  await clock.advance(1)
  expect(state.expired).toEqual(['silent'])
})
