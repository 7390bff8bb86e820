import { expect, test } from 'vitest'
import { createSilenceTimer, type TimeoutReason } from '../../src/origin/silence-timer.ts'
import { FakeClock } from '../support/fake-clock.ts'

function timed() {
  const clock = new FakeClock()
  const expired: TimeoutReason[] = []
  const timer = createSilenceTimer(clock, (why) => expired.push(why))
  const expiresIn = async (ms: number, why: TimeoutReason = 'silent') => {
    await clock.advance(ms - 1)
    expect(expired).toEqual([])
    await clock.advance(1)
    expect(expired).toEqual([why])
  }
  return { clock, expired, timer, expiresIn }
}

test('silence is reported once, when it has lasted for the limit since the last touch', async () => {
  const { clock, expired, timer, expiresIn } = timed()
  timer.start(100)
  for (let n = 0; n < 5; n++) {
    await clock.advance(80)
    timer.touch()
  }
  await expiresIn(100)
  await clock.advance(1_000)
  expect(expired).toEqual(['silent'])
})

test('silence on hold does not count, and a touch restarts it', async () => {
  const { clock, expired, timer, expiresIn } = timed()
  timer.start(100)
  await clock.advance(90)
  timer.hold()
  await clock.advance(1_000)
  expect(expired).toEqual([])
  timer.touch()
  await expiresIn(100)
})

test('a new watch replaces the previous one, shorter or longer', async () => {
  const { clock, expired, timer } = timed()
  timer.start(10_000)
  timer.start(100)
  await clock.advance(100)
  expect(expired).toEqual(['silent'])
  timer.start(100)
  timer.start(200)
  await clock.advance(150)
  expect(expired).toEqual(['silent'])
})

test('a total time limit expires for good, however often it was touched', async () => {
  const { clock, expired, timer, expiresIn } = timed()
  timer.start(100, 250)
  for (let n = 0; n < 3; n++) {
    await clock.advance(80)
    timer.touch()
  }
  await expiresIn(10, 'endless')
  timer.touch()
  await clock.advance(1_000)
  expect(expired).toEqual(['endless'])
})

test('a total time limit expires on hold too, without a touch, and leaves no timer', async () => {
  const { clock, expired, timer, expiresIn } = timed()
  timer.start(100, 1_250)
  await clock.advance(90)
  timer.hold()
  await expiresIn(1_160, 'endless')
  timer.hold()
  await clock.advance(10_000)
  expect([expired, clock.pending]).toEqual([['endless'], 0])
})

test('the total time limit cuts a longer silence limit short', async () => {
  const { clock, expired, timer } = timed()
  timer.start(1_000, 250)
  await clock.advance(250)
  expect(expired).toEqual(['endless'])
})

test('time in which the process was blocked counts against the total time limit', async () => {
  const { clock, timer, expiresIn } = timed()
  timer.start(1_000, 1_800)
  clock.stall(1_700)
  await expiresIn(100, 'endless')
})

test('at rest after a hold no timer stays for longer than the silence limit', async () => {
  const { clock, expired, timer } = timed()
  timer.start(100, 1_000_000)
  timer.hold()
  await clock.advance(1_000)
  timer.rest()
  await clock.advance(100)
  expect([expired, clock.pending]).toEqual([[], 0])
})

test('a hold does not stop the total time limit, and the next watch has its full time', async () => {
  const { clock, expired, timer } = timed()
  timer.start(100, 250)
  timer.hold()
  await clock.advance(250)
  timer.touch()
  expect(expired).toEqual(['endless'])
  timer.start(100)
  for (let n = 0; n < 10; n++) {
    await clock.advance(80)
    timer.touch()
  }
  expect(expired).toEqual(['endless'])
})

test('after a stop nothing is pending and a touch starts nothing', async () => {
  const { clock, expired, timer } = timed()
  timer.start(100)
  timer.stop()
  timer.touch()
  expect(clock.pending).toBe(0)
  await clock.advance(1_000)
  expect(expired).toEqual([])
})

test('time in which the process was blocked is granted again, once', async () => {
  const { clock, expired, timer } = timed()
  timer.start(1_000)
  clock.stall(1_500)
  await clock.advance(0)
  expect(expired).toEqual([])
  await clock.advance(499)
  expect(expired).toEqual([])
  clock.stall(5_000)
  await clock.advance(0)
  expect(expired).toEqual(['silent'])
})

test('after a stall at the end of a watch, however short, what has arrived in the meantime is read first', async () => {
  const { clock, timer, expiresIn } = timed()
  timer.start(1_000)
  clock.stall(1_001)
  await expiresIn(1)
})

test('a touch after a stall counts, and a new silence is counted in full', async () => {
  const { clock, timer, expiresIn } = timed()
  timer.start(1_000)
  clock.stall(60_000)
  await clock.advance(0)
  timer.touch()
  await expiresIn(1_000)
})

test('a touch sets no timer', () => {
  const { clock, timer } = timed()
  timer.start(100)
  for (let n = 0; n < 1_000; n++) timer.touch()
  expect(clock.pending).toBe(1)
})

test('a watch that follows a rest needs no timer of its own', async () => {
  const { clock, timer, expiresIn } = timed()
  timer.start(100)
  await clock.advance(60)
  timer.rest()
  timer.touch()
  expect(clock.pending).toBe(1)
  timer.start(100)
  expect(clock.pending).toBe(1)
  await expiresIn(100)
})

test('at rest nothing expires', async () => {
  const { clock, expired, timer } = timed()
  timer.start(100)
  timer.rest()
  await clock.advance(1_000)
  expect(expired).toEqual([])
  expect(clock.pending).toBe(0)
})

test('a blocked process does not cut short a watch that began after the stall', async () => {
  const { clock, timer, expiresIn } = timed()
  timer.start(1_000)
  timer.rest()
  clock.stall(1_200)
  timer.start(1_000)
  await expiresIn(1_000)
})
