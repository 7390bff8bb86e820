/** A workforce with one worker, which has a large file to check before it begins. */
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Events } from '../../src/events.ts'
import { Workforce } from '../../src/workers/primary/workforce.ts'
import { valid } from '../config/given.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { until } from '../support/waiting.ts'

const CONFIG = valid({ flags: { origin: ['http://a.test'] } })
const MINUTE = 60_000

let clock: FakeClock
let lines: string[]
let received: string[]
let workforce: Workforce
let started: Promise<string>

const pid = () => Number(workforce.shared.log.nodes()[0]?.id)
const begins = async () => {
  process.kill(pid(), 'SIGUSR2')
  expect(await started).toBe('http://127.0.0.1:1')
}

beforeEach(async () => {
  clock = new FakeClock()
  lines = []
  received = []
  workforce = new Workforce(CONFIG, {
    module: join(import.meta.dirname, '../support/slowly-beginning-worker.ts'),
    size: 1,
    clock,
    events: new Events(),
    logger: pino({ base: null }, { write: (line) => void lines.push(line) }),
    watchMemory: () => ({ pressure: { high: false }, close() {} }),
    ended() {},
    onSnapshot: (_, message) => void received.push(String('name' in message && message.name)),
  })
  started = workforce.start()
  await until(() => workforce.shared.log.nodes().length === 1)
})

afterEach(async () => {
  const pids = workforce.shared.log.nodes().map(({ id }) => Number(id))
  const closed = workforce.close()
  for (const id of pids) process.kill(id, 'SIGKILL')
  await closed
})

test('a worker that takes minutes to begin is logged and not killed, whatever else happens meanwhile', async () => {
  const before = pid()
  for (let minute = 0; minute < 20; minute++) {
    await Promise.race([workforce.collectReports(), clock.advance(MINUTE)])
    await clock.advance(MINUTE / 2)
  }
  expect(lines.join('')).toContain('a worker has been starting for 20 min')
  expect(lines.join('')).not.toContain('killed')
  await begins()
  expect(pid()).toBe(before)
})

test('a worker that has not begun within half an hour is killed, and another takes its place', async () => {
  const before = pid()
  await clock.advance(31 * MINUTE)
  await until(() => workforce.shared.log.nodes().length === 0)
  await clock.advance(1)
  await until(() => workforce.shared.log.nodes().length === 1)
  expect(pid()).not.toBe(before)
  expect(lines.join('')).toContain('a worker has been starting for 30 min and is killed')
})

test('purge and reload do not wait for a worker that has not begun; it applies both before it listens', async () => {
  const { nodes } = await workforce.shared.log.append('purge', { all: true })
  expect(nodes).toEqual({ expected: 1, acked: 1 })
  await workforce.apply(CONFIG)
  await begins()
  expect(received).toEqual(['begin', 'applyRecord', 'apply'])
})

test('a purge waits for a worker that has begun', async () => {
  await begins()
  process.kill(pid(), 'SIGSTOP')
  const purge = workforce.shared.log.append('purge', { all: true })
  await clock.advance(3_000)
  expect((await purge).nodes).toEqual({ expected: 1, acked: 0 })
})

test('close() does not wait for a worker that has not begun', async () => {
  await workforce.close()
  expect(workforce.shared.log.nodes()).toEqual([])
})

test('close() does not wait for a worker that hangs', async () => {
  await begins()
  process.kill(pid(), 'SIGSTOP')
  const closed = workforce.close()
  await clock.advance(15_000)
  await closed
  expect(workforce.shared.log.nodes()).toEqual([])
})

test('clearing the store does not wait for the workers to drop their copies', async () => {
  await begins()
  workforce.shared.memory?.put('k', Buffer.from('old'))
  expect(workforce.store.clear()).toBeUndefined()
  expect(workforce.shared.memory?.get('k')).toBeUndefined()
  await until(() => received.includes('clear'))
})
