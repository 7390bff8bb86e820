import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { type Closable, closeOnSignals } from '../../src/server/shutdown.ts'

const EVENTS = ['SIGTERM', 'SIGINT', 'uncaughtException', 'unhandledRejection'] as const
type Listener = (...args: unknown[]) => void

const before = new Map(EVENTS.map((event) => [event, process.listeners(event as 'SIGTERM')]))
afterEach(() => {
  for (const event of EVENTS) for (const listener of added(event)) process.off(event, listener)
})

const added = (event: (typeof EVENTS)[number]): Listener[] =>
  (process.listeners(event as 'SIGTERM') as Listener[]).filter(
    (listener) => !(before.get(event) as Listener[]).includes(listener),
  )

/** @returns the exit code after a SIGTERM */
function ended(running: Closable): Promise<number> {
  const exited = Promise.withResolvers<number>()
  const logger = pino({ level: 'silent' })
  closeOnSignals(running, { logger, always: logger, exit: exited.resolve })
  for (const listener of added('SIGTERM')) listener('SIGTERM')
  return exited.promise
}

test('SIGTERM drains, closes, and the exit code is 0', async () => {
  const done: string[] = []
  const running = { drain: async () => void done.push('drain'), close: async () => void done.push('close') }
  expect(await ended(running)).toBe(0)
  expect(done).toEqual(['drain', 'close'])
})

test('a server that fails to drain is still closed', async () => {
  let closed = false
  const running = { drain: () => Promise.reject(new Error('no')), close: async () => void (closed = true) }
  expect([await ended(running), closed]).toEqual([1, true])
})

test('a server that fails to close still exits', async () => {
  expect(await ended({ close: () => Promise.reject(new Error('no')) })).toBe(1)
})
