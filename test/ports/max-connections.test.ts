import { createServer } from 'node:http'
import { beforeEach, expect, test } from 'vitest'
import { boundConnections, MIN_CONNECTIONS } from '../../src/ports/max-connections.ts'
import { FakeClock } from '../support/fake-clock.ts'

const MAX = 10_000
const MINUTE = 60_000

const pressure = { high: false, exhausted: false }
let clock: FakeClock
/** What a connection that arrives now is held against. */
let limit: () => number

beforeEach(() => {
  clock = new FakeClock()
  Object.assign(pressure, { high: false, exhausted: true })
  const server = createServer()
  boundConnections(server, { maxConnections: MAX, pressure, open: () => 0, clock, onRefused() {} })
  limit = () => server.maxConnections
})

test('while memory is exhausted but misses are served, 64 more are accepted each second', () => {
  expect(limit()).toBe(MIN_CONNECTIONS)
  for (let second = 1; second <= 3; second++) {
    clock.stall(1_000)
    expect(limit()).toBe(MIN_CONNECTIONS + 64 * second)
  }
})

test('time in which misses were refused does not let in more afterwards', () => {
  limit()
  pressure.high = true
  for (let second = 0; second < 60; second++) {
    clock.stall(1_000)
    expect(limit()).toBe(MIN_CONNECTIONS)
  }
  pressure.high = false
  expect(limit()).toBe(MIN_CONNECTIONS)
  clock.stall(1_000)
  expect(limit()).toBe(MIN_CONNECTIONS + 64)
})

test('time in which no connection arrived lets in no more than a second does', () => {
  limit()
  clock.stall(60 * MINUTE) // memory may have sufficed for most of it: nobody has looked
  expect(limit()).toBe(MIN_CONNECTIONS + 64)
})
