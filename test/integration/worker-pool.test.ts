import { join } from 'node:path'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { Pool } from '../../src/workers/pool.ts'

test('workers that end before they have ever listened are not replaced for ever: the start fails', async () => {
  let ended = 0
  const pool = new Pool({
    module: join(import.meta.dirname, '../support/ending-worker.ts'),
    size: 2,
    clock: systemClock,
    logger: pino({ level: 'silent' }),
    serve: () => {
      const never = () => {
        throw new Error('it says nothing')
      }
      return {
        hello: never,
        append: never,
        take: never,
        release: never,
        get: never,
        put: never,
        forget: never,
        forgetAll: never,
        happened: never,
      }
    },
    left: () => ended++,
  })
  await expect(pool.start()).rejects.toThrow('exit code 3')
  await pool.close()
  expect(ended).toBeGreaterThanOrEqual(5)
  expect(pool.listening).toEqual([])
})
