import { describe, expect, test } from 'vitest'
import { settle } from '../../support/fake-clock.ts'
import { world } from '../../support/world.ts'

/* Errors that say how long they may be kept: how long they answer, and what they do not take the place of. */

const GRACE = 3_600_000

describe.each([400, 401, 403])('a stored %i', (status) => {
  const refused = () => {
    const w = world({ grace: GRACE })
    w.origin.script((_, number) => ({ status, headers: { 'Cache-Control': 'max-age=3' }, body: `no ${number}` }))
    return w
  }

  test('is stored anew each time its lifetime is over', async () => {
    const w = refused()
    for (const number of [1, 2, 3]) {
      expect(await w.get('/')).toMatchObject({ body: `no ${number}`, result: 'miss' })
      expect(await w.get('/')).toMatchObject({ body: `no ${number}`, result: 'hit' })
      await w.clock.advance(3_001)
    }
  })

  test('of which the lifetime is over is asked for once by all who ask together', async () => {
    const w = refused()
    await w.get('/')
    await w.clock.advance(3_001)
    await Promise.all(Array.from({ length: 20 }, () => w.get('/')))
    expect(w.origin.requests).toHaveLength(2)
  })

  test.each([{ softTimeout: 0 }, { softTimeout: 300 }])(
    'is not served stale, whatever the route: %j',
    async (rules) => {
      const w = world({ grace: GRACE, ...rules })
      w.origin.script(() => ({ status, headers: { 'Cache-Control': 'max-age=3' } }))
      await w.get('/')
      await w.clock.advance(3_001)
      w.origin.script(() => ({ headers: { 'Cache-Control': 'max-age=60' }, body: 'well again' }))
      const answer = w.get('/')
      await settle()
      expect(await answer).toMatchObject({ status: 200, body: 'well again', result: 'miss' })
    },
  )
})
