/** Caches of several processes over one far store, without leases. */
import { expect, test } from 'vitest'
import { createCache } from '../../src/library/embed.ts'
import { defaultRules } from '../../src/library/http.ts'
import { localLog } from '../../src/stores/memory/log.ts'
import { memoryStore } from '../../src/stores/memory/store.ts'
import { tiered } from '../../src/stores/tiered.ts'
import { FarStore } from '../support/far-store.ts'
import { ScriptedOrigin } from '../support/scripted-origin.ts'
import { received } from '../support/world.ts'

test('a purged response in memory does not hide what another process has stored since', async () => {
  const origin = new ScriptedOrigin()
  const far = new FarStore()
  const log = localLog()
  const [a, b] = [1, 2].map(() => {
    const store = tiered(memoryStore({ maxBytes: '1MiB' }), far)
    const cache = createCache({ store, log, routes: [{ name: 'all', match: {}, origin, rules: defaultRules }] })
    return async () => received(await cache.handle({ method: 'GET', url: 'http://a.test/', fields: [] }))
  })
  const answering = (body: string) => origin.script(() => ({ headers: { 'Cache-Control': 'max-age=60' }, body }))
  answering('v1')
  await a?.()
  await log.append('purge', { all: true })
  answering('v2')
  expect(await b?.()).toMatchObject({ body: 'v2', result: 'miss' })
  origin.script(() => ({ status: 503 }))
  expect(await a?.()).toMatchObject({ body: 'v2', result: 'hit' })
  expect(await a?.()).toMatchObject({ body: 'v2', result: 'hit' })
  expect(origin.requests).toHaveLength(2)
})
