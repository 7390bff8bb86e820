import { expect, test } from 'vitest'
import { build } from './build.ts'
import { complaint, isBad, playAll, Tally } from './histories.ts'
import { inProcess } from './in-process.ts'
import type { Theme } from './plan.ts'
import { REGRESSIONS } from './regressions.ts'

/** `npm run histories` plays as many as you like. */
const HISTORIES = 200
/** More than cores, as histories spend most of their time waiting. */
const LANES = 8
const PATIENCE_MS = 2_400_000

const seeds = Array.from({ length: HISTORIES }, (_, seed) => seed)

test(
  `${HISTORIES} histories of three nodes lose no purge and show no user content of another`,
  async () => {
    const tally = new Tally()
    const complaints: string[] = []
    await playAll({
      seeds: [...REGRESSIONS, ...seeds],
      start: inProcess((place) => build(place)),
      lanes: LANES,
      done(played) {
        tally.add(played)
        if (isBad(played)) complaints.push(complaint(played))
      },
    })
    expect(complaints).toEqual([])
    expect(tally.histories).toBe(REGRESSIONS.length + HISTORIES)
    expect(tally.hits).toBeGreaterThan(50 * HISTORIES)
    expect(tally.purges.get(200)).toBeGreaterThan(5 * HISTORIES)
    expect(tally.purges.get(503)).toBeGreaterThan(0)
  },
  PATIENCE_MS,
)

test.concurrent.each<[string, Theme, number]>([
  ['a Redis that refuses, delays or forgets commands', 'ailing', 40],
  ['nodes and a Redis that stand still again and again', 'starved', 20],
])(
  'no purge is lost with %s either',
  async (_, theme, count) => {
    const complaints: string[] = []
    await playAll({
      seeds: seeds.slice(0, count),
      start: inProcess((place) => build(place)),
      lanes: LANES,
      theme,
      done: (played) => void (isBad(played) && complaints.push(complaint(played))),
    })
    expect(complaints).toEqual([])
  },
  PATIENCE_MS,
)
