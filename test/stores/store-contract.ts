import { describe, expect, test } from 'vitest'
import { Body } from '../../src/body.ts'
import type { Store, Stored, StoredResponse } from '../../src/model.ts'
import { storedResponse } from '../support/stored-response.ts'

export interface StoreContractOptions {
  /** `usage` exactly counts what the store holds at the moment; otherwise it is an estimate. */
  readonly exactUsage?: boolean
}

/** What every Store must do. Each implementation, wrapper and fake runs this. */
export function storeContract(
  name: string,
  create: () => Store | Promise<Store>,
  { exactUsage = true }: StoreContractOptions = {},
): void {
  describe(`${name} is a Store`, () => {
    test('returns what was stored', async () => {
      const store = await create()
      await store.set('k', response('body'), 60_000)
      const found = await store.get('k')
      expect(found).toMatchObject({ kind: 'response', status: 200, fields: ['ETag', '"1"'], tags: ['t'], position: 7 })
      expect(Buffer.from((found as StoredResponse).body.bytes ?? []).toString()).toBe('body')
      await store.close()
    })

    test('stores every kind of entry', async () => {
      const store = await create()
      for (const stored of [unshareable, varies, response('x')]) {
        await store.set('k', stored, 60_000)
        expect(await store.get('k')).toMatchObject({ kind: stored.kind })
      }
      await store.close()
    })

    test('returns nothing for a key that was never set, was deleted, or was cleared', async () => {
      const store = await create()
      expect(await store.get('k')).toBeUndefined()
      await store.set('k', response('x'), 60_000)
      await store.delete('k')
      expect(await store.get('k')).toBeUndefined()
      await store.delete('k')
      await store.set('k', response('x'), 60_000)
      await store.clear()
      expect(await store.get('k')).toBeUndefined()
      await store.close()
    })

    test('replaces the entry under a key', async () => {
      const store = await create()
      await store.set('k', response('old'), 60_000)
      await store.set('k', response('new'), 60_000)
      expect(Buffer.from(((await store.get('k')) as StoredResponse).body.bytes ?? []).toString()).toBe('new')
      if (exactUsage) expect(store.usage()[0]?.objects).toBe(1)
      await store.close()
    })

    test.each(['__proto__', 'constructor', '16777215', '', 'a b\nc', '💥'])(
      'takes %j as a key like any other',
      async (key) => {
        const store = await create()
        expect(await store.get(key)).toBeUndefined()
        await store.set(key, response('x'), 60_000)
        expect(await store.get(key)).toMatchObject({ kind: 'response' })
        await store.close()
      },
    )

    test('reads, writes and deletes many at once, in the order of the keys', async () => {
      const store = await create()
      await store.setMany([
        { key: 'a', stored: response('of a'), keepForMs: 60_000 },
        { key: 'b', stored: varies, keepForMs: 60_000 },
      ])
      expect(await store.getMany(['b', 'none', 'a'])).toMatchObject([
        { kind: 'varies' },
        undefined,
        { kind: 'response' },
      ])
      await store.deleteMany(['a', 'none'])
      expect(await store.getMany(['a', 'b'])).toMatchObject([undefined, { kind: 'varies' }])
      expect(await store.getMany([])).toEqual([])
      await store.close()
    })

    if (!exactUsage) return

    test('reports its usage, which is zero when it is empty', async () => {
      const store = await create()
      const [empty] = store.usage()
      for (const remove of [() => store.deleteMany(['j', 'k']), () => store.clear()]) {
        await store.set('j', response('x'), 60_000)
        await store.set('k', response('x'.repeat(10_000)), 60_000)
        const [full] = store.usage()
        expect(full?.objects).toBe(2)
        expect((full?.bytes ?? 0) - (empty?.bytes ?? 0)).toBeGreaterThan(10_000)
        await remove()
        expect(store.usage()[0]).toEqual(empty)
      }
      await store.close()
    })
  })
}

const stamp = { url: 'a.test/', tags: ['t'], generation: 'g', position: 7, checked: 7, startedAt: 0 }
const variants = { on: ['accept'], variants: ['v'], languages: [] }
export const unshareable: Stored = { ...stamp, kind: 'unshareable', keepUntil: 1 }
export const varies: Stored = { ...stamp, kind: 'varies', askedAt: 0, ...variants, keepUntil: 1 }

export const response = (body: string, more: Partial<StoredResponse> = {}): StoredResponse =>
  storedResponse({ ...stamp, fields: ['ETag', '"1"'], body: Body.of(Buffer.from(body)), ...more })
