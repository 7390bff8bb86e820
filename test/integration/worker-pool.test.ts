import { join } from 'node:path'
import { type Logger, pino } from 'pino'
import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { Pool } from '../../src/workers/pool.ts'

afterEach(() => void vi.unstubAllEnvs())

/** Two workers that run a module of the tests. */
function poolOf(module: string, logger: Logger, left = () => {}): Pool {
  const never = () => {
    throw new Error('it does not ask')
  }
  return new Pool({
    module: join(import.meta.dirname, '../support', module),
    size: 2,
    clock: systemClock,
    logger,
    serve: () => ({
      hello: never,
      append: never,
      take: never,
      release: never,
      get: never,
      put: never,
      forget: never,
      forgetAll: never,
      happened: never,
      terminated: never,
    }),
    left,
  })
}

test('workers that end before they have ever listened are not replaced for ever: the start fails', async () => {
  let ended = 0
  const pool = poolOf('ending-worker.ts', pino({ level: 'silent' }), () => ended++)
  await expect(pool.start()).rejects.toThrow('exit code 3')
  await pool.close()
  expect(ended).toBeGreaterThanOrEqual(5)
  expect(pool.listening).toEqual([])
})

test('a worker that cannot listen ends the start', async () => {
  vi.stubEnv('PORT_IS_TAKEN', '1')
  const pool = poolOf('refused-worker.ts', pino({ level: 'silent' }))
  await expect(pool.start()).rejects.toThrow('EADDRINUSE')
  await pool.close()
})

test('after the start one that cannot listen is told of and replaced, until one can', async () => {
  const lines: string[] = []
  const pool = poolOf('refused-worker.ts', pino({ base: null }, { write: (line) => void lines.push(line) }))
  await pool.start()
  vi.stubEnv('PORT_IS_TAKEN', '1')
  pool.listening[0]?.kill()
  const refusals = () => lines.filter((line) => line.includes('a worker cannot listen: EADDRINUSE'))
  await expect.poll(() => refusals().length).toBeGreaterThanOrEqual(3)
  vi.unstubAllEnvs()
  await expect.poll(() => pool.listening.length).toBe(2)
  await pool.close()
})
