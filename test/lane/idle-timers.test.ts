import { expect, test } from 'vitest'
import { IdleTimers, type Timed } from '../../src/lane/idle-timers.ts'
import type { HttpSocket } from '../../src/ports/connections.ts'
import { FakeClock } from '../support/fake-clock.ts'

const TIMEOUT = 10_000

/** A connection whose timer is `left`: a fake, because what it is set to is the matter. */
function connectionWith(timeout: number): Timed & { left(): number } {
  const socket = {
    timeout,
    destroyed: false,
    setTimeout(ms: number) {
      socket.timeout = ms
    },
  }
  return {
    socket: socket as unknown as HttpSocket,
    suspended: 0,
    answeredAt: 0,
    left: () => socket.timeout,
  }
}

function timersAt(clock: FakeClock) {
  const timers = new IdleTimers(clock, TIMEOUT)
  const answered = (connection: Timed) => {
    connection.answeredAt = clock.now()
    timers.suspend(connection)
  }
  return { timers, answered }
}

test('the timer of a busy connection stands still', async () => {
  const clock = new FakeClock()
  const { answered } = timersAt(clock)
  const connection = connectionWith(TIMEOUT)
  for (let second = 0; second < 30; second++) {
    for (let n = 0; n < 10; n++) {
      answered(connection)
      expect(connection.left()).toBe(0)
      await clock.advance(100)
    }
  }
})

test('one that falls silent has all of its time, from a moment on that is soon', async () => {
  const clock = new FakeClock()
  const { answered } = timersAt(clock)
  const connection = connectionWith(TIMEOUT)
  for (let times = 0; times < 3; times++) {
    answered(connection)
    await clock.advance(400)
    answered(connection)
    const silentSince = clock.now()
    while (connection.left() === 0) await clock.advance(1)
    expect(clock.now() - silentSince).toBeGreaterThanOrEqual(500)
    expect(clock.now() - silentSince).toBeLessThanOrEqual(1_500)
    expect(connection.left()).toBe(TIMEOUT)
  }
})

test('what goes on to node:http has its timer back', () => {
  const clock = new FakeClock()
  const { timers, answered } = timersAt(clock)
  const connection = connectionWith(TIMEOUT)
  answered(connection)
  timers.resume(connection)
  expect(connection.left()).toBe(TIMEOUT)
  timers.resume(connection)
  expect(connection.left()).toBe(TIMEOUT)
})

test('of a connection that has no timer, nothing is changed', async () => {
  const clock = new FakeClock()
  const { timers, answered } = timersAt(clock)
  const connection = connectionWith(0)
  answered(connection)
  await clock.advance(5_000)
  timers.resume(connection)
  expect(connection.left()).toBe(0)
})

test('one that is gone is let go of', async () => {
  const clock = new FakeClock()
  const { answered } = timersAt(clock)
  const connection = connectionWith(TIMEOUT)
  answered(connection)
  Object.assign(connection.socket, { destroyed: true })
  await clock.advance(1_000)
  expect(connection.suspended).toBe(0)
  expect(connection.left()).toBe(0)
  expect(clock.pending).toBe(0)
})
