import { expect, test } from 'vitest'
import { Batches } from '../../src/stores/batches.ts'

/** Records the batches being processed, each completed by the test. */
function maker() {
  const made: string[] = []
  const ends: (() => void)[] = []
  const make = (piece: readonly string[]): Promise<void> => {
    made.push(`${piece[0]} and ${piece.length - 1} more`)
    const { promise, resolve } = Promise.withResolvers<void>()
    ends.push(resolve)
    return promise
  }
  const end = async (): Promise<void> => {
    ends.shift()?.()
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  }
  return { made, make, end }
}

const keys = (name: string, count: number) => Array.from({ length: count }, (_, at) => `${name}${at}`)

test('batches of many pieces run one after the other, short ones at once', async () => {
  const batches = new Batches()
  const { made, make, end } = maker()
  const all = ['a', 'b'].map((name) => batches.remove(keys(name, 600), make))
  all.push(batches.remove(keys('c', 2), make))
  expect(made).toEqual(['a0 and 499 more', 'c0 and 1 more'])
  await end()
  expect(made.slice(2)).toEqual(['a500 and 99 more'])
  await end()
  await end()
  expect(made.slice(3)).toEqual(['b0 and 499 more'])
  await end()
  await end()
  expect(made.slice(4)).toEqual(['b500 and 99 more'])
  await Promise.all(all)
})

test('a failed batch does not prevent the next', async () => {
  const batches = new Batches()
  const { made, make, end } = maker()
  const failing = batches.remove(keys('a', 600), () => Promise.reject(new Error('out of order')))
  const next = batches.remove(keys('b', 600), make)
  await expect(failing).rejects.toThrow('out of order')
  for (let n = 0; n < 3; n++) await end()
  expect(made).toEqual(['b0 and 499 more', 'b500 and 99 more'])
  await next
})

test('a write to a key while its batch is waiting is the newer one', async () => {
  const batches = new Batches()
  const { made, make, end } = maker()
  const all = ['a', 'b'].map((name) => batches.remove(keys(name, 501), make))
  batches.dropPending(['b0'])
  for (let n = 0; n < 4; n++) await end()
  expect(made).toEqual(['a0 and 499 more', 'a500 and 0 more', 'b1 and 499 more'])
  await Promise.all(all)
})
