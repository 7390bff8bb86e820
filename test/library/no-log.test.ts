/** The warning about a store that is shared or outlives the process, without a log that does. */
import { expect, test, vi } from 'vitest'
import { createCache, type EmbedOptions } from '../../src/library/embed.ts'
import { diskLog } from '../../src/stores/disk/log.ts'
import { diskStore } from '../../src/stores/disk/store.ts'
import { localLog } from '../../src/stores/memory/log.ts'
import { memoryStore } from '../../src/stores/memory/store.ts'
import { redisStore } from '../../src/stores/redis/store.ts'
import { tiered } from '../../src/stores/tiered.ts'
import { temporaryFolder } from '../support/folder.ts'

const NO_SERVER = 'redis://127.0.0.1:1'

/** The warnings emitted when a cache is made. */
async function warnings(options: EmbedOptions): Promise<unknown[]> {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  await createCache(options).close()
  return warn.mock.calls.map(([text]) => text)
}

const memory = () => memoryStore({ maxBytes: '1MiB' })
const disk = () => diskStore({ path: temporaryFolder(), maxBytes: '1MiB' })
const redis = () => redisStore({ url: NO_SERVER })

test.each([
  ['disk', 'diskLog', () => tiered(memory(), disk())],
  ['redis', 'redisLog', () => tiered(memory(), redis())],
  ['redis', 'redisLog', () => tiered(memory(), disk(), redis())],
])('a store with a tier of %s is warned about once, naming %s', async (_, log, store) => {
  expect(await warnings({ store: store() })).toEqual([expect.stringContaining(`log: ${log}({`)])
})

test.each<[string, () => EmbedOptions]>([
  ['there is none', () => ({})],
  ['it is in memory', () => ({ store: memory() })],
  ['a log is given', () => ({ store: disk(), log: diskLog({ path: temporaryFolder() }) })],
  ['a log of this process is given', () => ({ store: tiered(memory(), disk(), redis()), log: localLog() })],
])('the store is not warned about when %s', async (_, options) => {
  expect(await warnings(options())).toEqual([])
})
