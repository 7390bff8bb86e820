/** After an awaited `set`, no older value is returned, whatever the tiers have room for and whoever else asks. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../../src/chaos/random.ts'
import { createCache } from '../../../src/library/embed.ts'
import { diskStore } from '../../../src/stores/disk/store.ts'
import { localLog } from '../../../src/stores/memory/log.ts'
import { memoryStore } from '../../../src/stores/memory/store.ts'
import { tiered } from '../../../src/stores/tiered.ts'
import { temporaryFolder } from '../../support/folder.ts'

const KEYS = 40
const STEPS = 400

interface Versioned {
  readonly version: number
  readonly text: string
}

test.each([1, 2, 3])('memory in front of a disk, neither with room for all: seed %d', async (seed) => {
  const random = seededRandom(seed, 'steps')
  const disk = diskStore({ path: temporaryFolder(), maxBytes: '1MiB' })
  const cache = createCache({ store: tiered(memoryStore({ maxBytes: 20_000, seed }), disk), log: localLog() })
  const older: unknown[] = []
  let found = 0

  /** Random steps on one key, one after the other. */
  const run = async (key: string) => {
    let version = 0
    const next = (): Versioned => ({ version: ++version, text: 'x'.repeat(random() * 6_000) })
    const check = (value: Versioned | undefined) => {
      if (value !== undefined) found++
      if (value !== undefined && value.version !== version) older.push([key, value.version, version])
    }
    const steps = [
      () => cache.set(key, next()),
      () => cache.setMany([{ key, value: next() }]),
      () => cache.delete(key),
      () => Promise.all([cache.set(key, next()), cache.get(key), cache.getMany([key])]),
      async () => check(await cache.get<Versioned>(key)),
      async () => check((await cache.getMany<Versioned>(['none', key]))[1]),
      async () => check(await cache.getOrSet<Versioned>(key, () => ({ version, text: '' }))),
    ]
    for (let step = 0; step < STEPS; step++) await steps[Math.floor(random() * steps.length)]?.()
  }

  await Promise.all(Array.from({ length: KEYS }, (_, at) => run(`k${at}`)))
  await cache.close()
  expect(older).toEqual([])
  expect(found).toBeGreaterThan((KEYS * STEPS) / 10)
})
