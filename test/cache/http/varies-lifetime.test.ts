import { expect, test } from 'vitest'
import { world } from '../../support/world.ts'

test('a variant that is soon gone does not take the longer-lived ones with it', async () => {
  const w = world({ grace: 0 })
  w.origin.script(({ fields }) => {
    const short = fields.includes('de')
    return {
      headers: { 'Cache-Control': `max-age=${short ? 5 : 500}`, Vary: 'Accept-Language' },
      body: short ? 'kurz' : 'long',
    }
  })
  const kept: number[] = []
  const { set } = w.store
  w.store.set = (key, stored, keepForMs) => {
    if (stored.kind === 'varies') kept.push(keepForMs)
    return set(key, stored, keepForMs)
  }
  await w.get('/', { 'Accept-Language': 'en' })
  await w.get('/', { 'Accept-Language': 'de' })
  expect(kept).toHaveLength(2)
  expect(kept[1]).toBeGreaterThanOrEqual(500_000)
  await w.clock.advance(100_000)
  expect(await w.get('/', { 'Accept-Language': 'en' })).toMatchObject({ body: 'long', result: 'hit' })
})
