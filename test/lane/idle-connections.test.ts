import { describe, expect, test } from 'vitest'
import { IdleConnections, type Timed } from '../../src/lane/idle-connections.ts'
import { type HttpSocket, owingNoHead } from '../../src/ports/connections.ts'
import { FakeClock } from '../support/fake-clock.ts'

const TIMEOUT = 10_000

/** A connection whose timer is `left`: a fake, because what it is set to is the matter. */
function connectionWith(timeout: number): Timed & { left(): number } {
  const socket = {
    timeout,
    destroyed: false,
    writableLength: 0,
    destroy() {
      socket.destroyed = true
    },
    setTimeout(ms: number) {
      socket.timeout = ms
    },
  }
  return {
    socket: socket as unknown as HttpSocket,
    isWatched: false,
    suspended: 0,
    answeredAt: 0,
    left: () => socket.timeout,
  }
}

function idleAt(clock: FakeClock) {
  const idle = new IdleConnections(clock, TIMEOUT)
  const answered = (connection: Timed) => {
    connection.answeredAt = clock.now()
    idle.answered(connection)
  }
  return { idle, answered }
}

test('the timer of a busy connection stands still', async () => {
  const clock = new FakeClock()
  const { answered } = idleAt(clock)
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
  const { answered } = idleAt(clock)
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
  const { idle, answered } = idleAt(clock)
  const connection = connectionWith(TIMEOUT)
  answered(connection)
  idle.handedOn(connection)
  expect(connection.left()).toBe(TIMEOUT)
  idle.handedOn(connection)
  expect(connection.left()).toBe(TIMEOUT)
})

describe('a connection on which node:http has not answered yet', () => {
  test('is closed when it has been silent for too long, and not before', async () => {
    const clock = new FakeClock()
    const { answered } = idleAt(clock)
    const connection = connectionWith(0)
    for (let second = 0; second < 30; second++) {
      answered(connection)
      await clock.advance(1_000)
    }
    await clock.advance(TIMEOUT - 1)
    expect(connection.socket.destroyed).toBe(false)
    await clock.advance(2_000)
    expect(connection.socket.destroyed).toBe(true)
    expect(connection.left()).toBe(0)
    expect(clock.pending).toBe(0)
  })

  test('is given the time that it takes to take its answer', async () => {
    const clock = new FakeClock()
    const { answered } = idleAt(clock)
    const connection = connectionWith(0)
    answered(connection)
    Object.assign(connection.socket, { writableLength: 1 })
    await clock.advance(5 * TIMEOUT)
    expect(connection.socket.destroyed).toBe(false)
    Object.assign(connection.socket, { writableLength: 0 })
    await clock.advance(TIMEOUT - 1)
    expect(connection.socket.destroyed).toBe(false)
    await clock.advance(2_001)
    expect(connection.socket.destroyed).toBe(true)
  })

  test('owes no head, until something is handed on', () => {
    const { idle, answered } = idleAt(new FakeClock())
    const connection = connectionWith(0)
    answered(connection)
    expect(owingNoHead.has(connection.socket)).toBe(true)
    idle.handedOn(connection)
    expect(owingNoHead.has(connection.socket)).toBe(false)
  })

  test('is let alone when something was handed on', async () => {
    const clock = new FakeClock()
    const { idle, answered } = idleAt(clock)
    const connection = connectionWith(0)
    answered(connection)
    idle.handedOn(connection)
    await clock.advance(5 * TIMEOUT)
    expect(connection.socket.destroyed).toBe(false)
    expect(connection.left()).toBe(0)
  })

  test('is one like others when node:http has answered', async () => {
    const clock = new FakeClock()
    const { answered } = idleAt(clock)
    const connection = connectionWith(0)
    answered(connection)
    connection.socket.setTimeout(TIMEOUT)
    answered(connection)
    expect(connection.left()).toBe(0)
    await clock.advance(2_000)
    expect(connection.left()).toBe(TIMEOUT)
  })
})

test('one that is gone is let go of', async () => {
  const clock = new FakeClock()
  const { answered } = idleAt(clock)
  const connection = connectionWith(TIMEOUT)
  answered(connection)
  Object.assign(connection.socket, { destroyed: true })
  await clock.advance(1_000)
  expect(connection.isWatched).toBe(false)
  expect(connection.left()).toBe(0)
  expect(clock.pending).toBe(0)
})
