import { expect, test } from 'vitest'
import { Events } from '../../../src/events.ts'
import { onContent } from '../../../src/heap/content-volume.ts'
import type { Pressure } from '../../../src/model.ts'
import type { Member } from '../../../src/workers/primary/member.ts'
import { SharedParts } from '../../../src/workers/primary/shared-parts.ts'
import { valid } from '../../config/given.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const MEMBER = { number: 1 } as Member

function sharedParts(pressure: Pressure): SharedParts {
  const watchMemory = () => ({ pressure, close() {} })
  const config = valid({ flags: { origin: ['http://a.test'] } })
  return new SharedParts(config, { clock: new FakeClock(), events: new Events(), watchMemory })
}

const asked = (key: string) => ({ key, mostBytes: 2 ** 20 })

test('while memory is short in the primary nothing is shared, neither new nor stored entries', async () => {
  const pressure = { high: false }
  const { get, put } = sharedParts(pressure).serve(MEMBER)
  expect(await put({ key: 'k', octets: Buffer.from('old') })).toBe(true)
  pressure.high = true
  expect(await put({ key: 'k', octets: Buffer.from('new') })).toBe(false)
  expect(await get(asked('k'))).toBeUndefined()
  pressure.high = false
  expect(await put({ key: 'k', octets: Buffer.from('newer') })).toBe(true)
  expect(Buffer.from((await get(asked('k'))) ?? []).toString()).toBe('newer')
})

test('large entries are given out unless memory is short, here or in the worker', async () => {
  const pressure = { high: false }
  const { get, put } = sharedParts(pressure).serve(MEMBER)
  await put({ key: 'large', octets: Buffer.alloc(100_000) })
  await put({ key: 'small', octets: Buffer.alloc(1_000) })
  const given = async (mostBytes: number) =>
    (await Promise.all(['large', 'small'].map((key) => get({ key, mostBytes })))).map((octets) => octets?.length)
  expect(await given(2 ** 20)).toEqual([100_000, 1_000])
  expect(await given(64 * 1024)).toEqual([undefined, 1_000])
  pressure.high = true
  expect(await given(2 ** 20)).toEqual([undefined, 1_000])
})

test('a primary that notices that memory is short for an entry does not store it', async () => {
  const pressure = { high: false }
  const end = onContent((soon) => void (pressure.high = soon > 4 * 2 ** 20))
  const { put } = sharedParts(pressure).serve(MEMBER)
  expect(await put({ key: 'k', octets: Buffer.alloc(5 * 2 ** 20) })).toBe(false)
  end()
})

test("the primary's entries are released once, not again for each worker: later ones stay", async () => {
  const parts = sharedParts({ high: false })
  const { get, put, forgetAll } = parts.serve(MEMBER)
  await put({ key: 'old', octets: Buffer.from('old') })
  parts.clear()
  expect(await get(asked('old'))).toBeUndefined()
  await put({ key: 'new', octets: Buffer.from('new') })
  forgetAll(undefined)
  expect(await get(asked('new'))).toBeDefined()
})
