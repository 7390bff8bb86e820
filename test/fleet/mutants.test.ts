import { expect, test } from 'vitest'
import { playAll } from './histories.ts'
import { inProcess } from './in-process.ts'
import { MUTANTS } from './mutants.ts'

const HISTORIES = 200
const PATIENCE_MS = 2_400_000

test.each(Object.entries(MUTANTS))(
  'caught within a few histories: %s',
  async (_, { build, theme }) => {
    const caught: string[] = []
    await playAll({
      seeds: Array.from({ length: HISTORIES }, (_, seed) => seed),
      start: inProcess(build),
      lanes: 4,
      theme,
      done({ violations }) {
        caught.push(...violations.map(({ what }) => what))
        return caught.length > 0
      },
    })
    expect(caught).toContain('lost purge')
  },
  PATIENCE_MS,
)
