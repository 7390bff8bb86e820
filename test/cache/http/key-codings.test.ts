import { expect, it } from 'vitest'
import { field } from '../../../src/fields.ts'
import { world } from '../../support/world.ts'

/** An origin whose answer repeats the Accept-Encoding that it gets. */
function coding(rules: Parameters<typeof world>[0] = {}) {
  const made = world(rules)
  made.origin.script((request) => ({
    headers: { 'Cache-Control': 'max-age=60', Vary: 'Accept-Encoding' },
    body: field(request.fields, 'accept-encoding') ?? 'none',
  }))
  const ask = (value: string) => made.get('/', { 'Accept-Encoding': value })
  return { ...made, ask }
}

it('no Accept-Encoding evicts the copies of others', async () => {
  const { origin, ask } = coding()
  expect((await ask('gzip, br')).body).toBe('br, gzip')
  for (let n = 0; n < 100; n++) {
    for (const junk of [`j${n}`, `gzip;q=0.${n}`, `x,;q=${n}`, `*;q=0.${n}`]) await ask(junk)
  }
  expect((await ask('gzip, br')).result).toBe('hit')
  expect(origin.requests.length).toBeLessThan(10)
})

it('the origin gets the codings that select its answer, and no others', async () => {
  const { ask } = coding()
  expect((await ask('gzip, evil')).body).toBe('gzip')
  expect(await ask('GZIP;q=0.9, identity')).toMatchObject({ result: 'hit', body: 'gzip' })
  expect((await ask('evil')).body).toBe('identity')
  expect((await ask('gzip, identity;q=0')).body).toBe('gzip, identity;q=0')
})

it('unknown codings select nothing when Accept-Encoding is part of the key', async () => {
  const { ask } = coding({ key: { sortQuery: false, ignoreQuery: [], headers: ['accept-encoding'], cookies: [] } })
  await ask('gzip, j1')
  expect((await ask('gzip, j2')).result).toBe('hit')
})
