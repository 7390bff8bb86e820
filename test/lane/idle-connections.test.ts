import { describe, expect, test } from 'vitest'
import { IdleConnections, type Timed } from '../../src/lane/idle-connections.ts'
import { type HttpSocket, withoutHeadDeadline } from '../../src/ports/connections.ts'
import { FakeClock } from '../support/fake-clock.ts'

const TIMEOUT = 10_000

/** A fake connection whose timeout can be read by `left`. */
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

test('the timer of a busy connection is suspended', async () => {
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

test('a connection that falls idle soon gets its full timeout', async () => {
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

test('a connection handed to node:http gets its timer back', () => {
  const clock = new FakeClock()
  const { idle, answered } = idleAt(clock)
  const connection = connectionWith(TIMEOUT)
  answered(connection)
  idle.handedToNode(connection)
  expect(connection.left()).toBe(TIMEOUT)
  idle.handedToNode(connection)
  expect(connection.left()).toBe(TIMEOUT)
})

describe('a connection on which node:http has not answered yet', () => {
  test('is closed when it has been idle for too long, and not before', async () => {
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

  test('has time to receive its answer', async () => {
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

  test('counts as owing no head until something is handed on', () => {
    const { idle, answered } = idleAt(new FakeClock())
    const connection = connectionWith(0)
    answered(connection)
    expect(withoutHeadDeadline.has(connection.socket)).toBe(true)
    idle.handedToNode(connection)
    expect(withoutHeadDeadline.has(connection.socket)).toBe(false)
  })

  test('is left alone once something was handed on', async () => {
    const clock = new FakeClock()
    const { idle, answered } = idleAt(clock)
    const connection = connectionWith(0)
    answered(connection)
    idle.handedToNode(connection)
    await clock.advance(5 * TIMEOUT)
    expect(connection.socket.destroyed).toBe(false)
    expect(connection.left()).toBe(0)
  })

  test('is treated like others once node:http has answered', async () => {
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

test('a closed connection is released', async () => {
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
