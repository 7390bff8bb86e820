import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CONSENTED, PUBLIC, type Row, ROWS } from './rows.ts'
import { type Mode, openShop, type Shop } from './shop.ts'
import { SECRET, type Way, WAYS } from './ways.ts'

let number = 0

/** Alice's secrets in what the others received. */
async function leaked(shop: Shop, row: Row, way: Way): Promise<string[]> {
  const path = `/${way.route ?? row.route ?? 'plain'}/${++number}`
  const received = await way.run({ shop, row, path })
  expect(received.length).toBeGreaterThan(1)
  for (const answer of received) expect(answer).toMatch(/^HTTP\/1\.1 \d{3} |^\{/)
  return received.filter((answer) => answer.includes(SECRET))
}

const suits = (row: Row, way: Way, mode: Mode): boolean => {
  if (way.route !== undefined && row.route !== undefined) return false
  if (row.reuse[mode] === 'checked') return way.by !== 'asking'
  return row.reuse[mode] !== 'expired' || way.by === undefined
}

describe.each(['safe', 'rfc'] as const)('cookies: %s', (mode: Mode) => {
  let shop: Shop
  beforeAll(async () => {
    shop = await openShop(mode)
  })
  afterAll(() => shop[Symbol.asyncDispose]())

  describe('a shareable response reaches other users in every way', () => {
    test.each(WAYS)('$name', async (way) => {
      expect(await leaked(shop, PUBLIC, way)).not.toHaveLength(0)
    })
  })

  describe('a response the origin allows to be shared is shared', () => {
    test.each(CONSENTED)('$name', async (row) => {
      for (const way of WAYS.slice(0, 1)) expect(await leaked(shop, row, way), way.name).not.toHaveLength(0)
    })
  })

  describe.each(ROWS)('$name', (row) => {
    if (row.reuse[mode] === 'shared') {
      test('is shared, as RFC 9111 allows', async () => {
        expect(await leaked(shop, row, WAYS[0]!)).not.toHaveLength(0)
      })
      return
    }
    test.each(WAYS.filter((way) => suits(row, way, mode)))('is not $name', async (way) => {
      expect(await leaked(shop, row, way)).toEqual([])
    })
  })
})
