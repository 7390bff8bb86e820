import { expect, test } from 'vitest'
import type { InvalidationMode, Stamp } from '../../../src/model.ts'
import { localLog } from '../../../src/stores/memory/log.ts'
import fc from '../../support/fast-check.ts'
import { logContract } from '../log-contract.ts'

logContract('localLog', () => localLog())

const names = fc.constantFrom('a', 'b', 'c', 'd')
const record = fc.record({ mode: fc.constantFrom<InvalidationMode>('purge', 'invalidate'), tag: names })

test('however many targets are forgotten, a verdict is never milder than that of a log that forgets nothing', async () => {
  const severity = { valid: 0, stale: 1, dead: 2 }
  await fc.assert(
    fc.asyncProperty(
      fc.array(record),
      fc.array(names),
      fc.nat(),
      fc.integer({ min: 1, max: 3 }),
      async (records, tags, at, maxTargets) => {
        const exact = localLog({ generation: 'g' })
        const bounded = localLog({ generation: 'g', maxTargets })
        let stamp: Stamp = { url: 'u', tags, generation: 'g', position: 0, checked: 0, startedAt: 0 }
        for (const [index, { mode, tag }] of records.entries()) {
          if (index === at % (records.length + 1)) stamp = { ...stamp, position: index, checked: index }
          await exact.append(mode, { tags: [tag] })
          await bounded.append(mode, { tags: [tag] })
        }
        const [exactly, atLeast] = [exact.verdict({ ...stamp }), bounded.verdict({ ...stamp })]
        expect(severity[atLeast]).toBeGreaterThanOrEqual(severity[exactly])
      },
    ),
  )
})

test('verdicts requested in between do not change later ones', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(record), fc.array(names), async (records, tags) => {
      const log = localLog({ generation: 'g' })
      const watched: Stamp = { url: 'u', tags, generation: 'g', position: 0, checked: 0, startedAt: 0 }
      for (const { mode, tag } of records) {
        await log.append(mode, { tags: [tag] })
        log.verdict(watched)
      }
      expect(log.verdict(watched)).toBe(
        log.verdict({ url: 'u', tags, generation: 'g', position: 0, checked: 0, startedAt: 0 }),
      )
    }),
  )
})

test('the number of targets it remembers is bounded', async () => {
  const log = localLog({ maxTargets: 10 })
  const old: Stamp = { url: 'u', tags: ['t'], generation: log.generation, position: 0, checked: 0, startedAt: 0 }
  await log.append('purge', { tags: ['t'] })
  for (let n = 0; n < 100; n++) await log.append('purge', { tags: [`other${n}`] })
  expect(log.verdict(old)).toBe('dead')
})
