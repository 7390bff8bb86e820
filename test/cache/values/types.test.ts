/** What the types of values infer and refuse. `npm run types` is what checks it. */
import { expect, expectTypeOf, test } from 'vitest'
import { createCache, type Load, type LoadControls } from '../../../src/index.ts'

interface User {
  readonly name: string
}

const ada: User = { name: 'Ada' }
const findUser = async (): Promise<User> => ada

test('a value has the type that its load returns, whether or not the load uses its controls', async () => {
  const { getOrSet, namespace } = createCache()
  const given = [
    getOrSet('a', findUser),
    getOrSet('b', () => findUser()),
    getOrSet('c', async ({ setOptions }) => {
      const user = await findUser()
      setOptions({ ttl: '1m' })
      return user
    }),
    getOrSet('d', (controls) => (controls.skip(), findUser())),
    namespace('n').getOrSet('e', ({ skip }) => (skip(), findUser())),
  ] as const
  expectTypeOf(given[0]).toEqualTypeOf<Promise<User>>()
  expectTypeOf(given[1]).toEqualTypeOf<Promise<User>>()
  expectTypeOf(given[2]).toEqualTypeOf<Promise<User>>()
  expectTypeOf(given[3]).toEqualTypeOf<Promise<User>>()
  expectTypeOf(given[4]).toEqualTypeOf<Promise<User>>()
  expect(await Promise.all(given)).toEqual([ada, ada, ada, ada, ada])
})

test('the stale value has the same type where that is declared, and is unknown otherwise', async () => {
  const { getOrSet } = createCache()
  const load: Load<User> = ({ stale }) => stale ?? findUser()
  const said = getOrSet<User>('a', async ({ stale }) => stale ?? findUser())
  const wanted: Promise<User> = getOrSet('b', async ({ stale }) => stale ?? findUser())
  const annotated = getOrSet('c', ({ stale }: LoadControls<User>) => stale ?? findUser())
  const before = getOrSet('d', load)
  const inferred = getOrSet('e', ({ stale }) => {
    expectTypeOf(stale).toBeUnknown()
    return findUser()
  })
  expectTypeOf(said).toEqualTypeOf<Promise<User>>()
  expectTypeOf(annotated).toEqualTypeOf<Promise<User>>()
  expectTypeOf(before).toEqualTypeOf<Promise<User>>()
  expectTypeOf(inferred).toEqualTypeOf<Promise<User>>()
  expect(await Promise.all([said, wanted, annotated, before, inferred])).toEqual([ada, ada, ada, ada, ada])
})

test('limits may be given one by one', () => {
  const caches = [createCache({ limits: { maxWaiting: 5 } }), createCache({ limits: { maxBodiesInProgress: 2 ** 20 } })]
  expect(caches).toHaveLength(2)
})
