/**
 * Random calls of caches with a fake clock and loads that end step by step. `RUNS` plays more of it, and `SEED` other.
 */
import { expect, test } from 'vitest'
import type { Statistics } from '../../../../src/cache/statistics.ts'
import fc from '../../../support/fast-check.ts'
import { complaintOfLoad } from './conduct.ts'
import type { Answer, History } from './history.ts'
import { complaint } from './oracle.ts'
import { play } from './play.ts'
import { setting, steps } from './steps.ts'

const RUNS = Number(process.env['RUNS'] ?? 1_000)

test('whatever callers, loads, clock and purges do, every answer is one that is promised', async () => {
  await fc.assert(
    fc.asyncProperty(setting, steps, async (given, taken) => {
      const { history, statistics, left } = await play(given, taken)
      const ofAnswers = history.answers.map((answer) => ({ wrong: complaint(answer, history, given), answer }))
      const ofLoads = history.sources.map((load) => ({ wrong: complaintOfLoad(load, history, given), load }))
      expect([...ofAnswers, ...ofLoads].filter(({ wrong }) => wrong !== undefined)).toEqual([])
      expect(left).toEqual({ inFlight: 0, waiting: 0, timers: 0, leases: 0, bytes: 0, unhandledRejections: 0 })
      for (const [node, counted] of statistics.entries()) expect(sumsOf(counted)).toEqual(expectedOf(history, node))
    }),
    { numRuns: RUNS },
  )
}, 600_000)

function sumsOf({ requests, originRequests }: Statistics) {
  const { error, shed } = requests
  return { all: Object.values(requests).reduce((sum, count) => sum + count, 0), error, shed, loads: originRequests }
}

/** Deletions are not counted. */
function expectedOf({ answers, sources }: History, at: number) {
  const counted = answers.filter(({ node, call }) => node === at && !call.do.startsWith('delete'))
  const thrown = counted.filter(({ outcome }) => outcome === 'thrown')
  const shed = thrown.filter(isShed).length
  const loads = sources.filter(({ by, node }) => node === at && by === 'load').length
  return { all: counted.length, error: thrown.length - shed, shed, loads }
}

const isShed = ({ value }: Answer): boolean => value instanceof Error && 'code' in value && value.code === 'overloaded'
