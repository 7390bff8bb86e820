/** The caches with Redis in docs/library.md: two that are made as documented share what they load. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Cache } from '../../../src/index.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { startRedis } from '../../support/redis.ts'
import { until } from '../../support/waiting.ts'

const REPOSITORY = join(import.meta.dirname, '../../..')
const page = readFileSync(join(REPOSITORY, 'docs/library.md'), 'utf8')

/** Makes caches with the first program below the heading, with this URL in place of its own. */
async function documented(url: string): Promise<() => Cache> {
  const [, program = ''] = /^## Redis\n[^]*?^```ts\n([^]*?)^```$/m.exec(page) ?? []
  const path = join(temporaryFolder(), 'caches.ts')
  const making = program
    .replace("'herdgate'", `'${join(REPOSITORY, 'src/index.ts')}'`)
    .replace(/redis:[^']*/, url)
    .replace('const cache =', 'export const make = () =>')
  writeFileSync(path, making)
  const { make } = (await import(path)) as { make: () => Cache }
  return make
}

test('a value that one cache has loaded is in the other too, until it is purged', async () => {
  await using redis = await startRedis()
  const make = await documented(redis.url)
  const [one, other] = [make(), make()]
  try {
    const both = async () => [await one.getOrSet('k', () => 'loaded', { tags: ['t'] }), await other.get('k')]
    await until(async () => (await both())[1] === 'loaded', 'the other node has it')
    await one.purge({ tags: ['t'] })
    expect(await other.get('k')).toBeUndefined()
  } finally {
    await one.close()
    await other.close()
  }
})
