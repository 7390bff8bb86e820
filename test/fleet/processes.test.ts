import { expect, test } from 'vitest'
import { complaint, isBad, playAll, Tally } from './histories.ts'
import { slowed } from './plan.ts'
import { processes } from './processes.ts'

const SEEDS = [1, 2, 3]
/** Factor by which plans are slowed, as processes start and restart slowly. */
const SLOWER = 4

test('histories of three processes over HTTP lose no purge either', async () => {
  const tally = new Tally()
  const complaints: string[] = []
  for (const seed of SEEDS) {
    await using fleet = processes()
    await playAll({
      seeds: [seed],
      start: fleet.start,
      lanes: 1,
      change: (plan) => slowed(plan, SLOWER),
      done(played) {
        tally.add(played)
        if (isBad(played)) complaints.push(complaint(played))
      },
    })
  }
  expect(complaints).toEqual([])
  expect(tally.hits).toBeGreaterThan(100)
  expect(tally.purges.get(200)).toBeGreaterThan(10)
})
