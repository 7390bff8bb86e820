/**
 * Random traffic through caches with a fake clock and an origin that answers step by step. `RUNS` plays more of it, and
 * `SEED` other.
 */
import { expect, test } from 'vitest'
import fc from '../../support/fast-check.ts'
import { complaint } from './oracle.ts'
import { play } from './play.ts'
import { setting, steps } from './steps.ts'

const RUNS = Number(process.env['RUNS'] ?? 1_000)

test('whatever clients, origin, clock and purges do, every reply is one that HTTP allows', async () => {
  await fc.assert(
    fc.asyncProperty(setting, steps, async (given, taken) => {
      const { history, left } = await play(given, taken)
      const complaints = history.replies.flatMap((reply) => {
        const wrong = complaint(reply, history, given)
        return wrong === undefined ? [] : [{ wrong, reply }]
      })
      expect(complaints).toEqual([])
      expect(left).toEqual({ inFlight: 0, waiting: 0, timers: 0, bytes: 0 })
    }),
    { numRuns: RUNS },
  )
}, 600_000)
