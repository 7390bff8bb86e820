import { expect, test } from 'vitest'
import { estimateBytes } from '../../../src/stores/memory/size.ts'

test('what a value holds is counted, each object once', () => {
  const shared = { text: 'x'.repeat(1_000) }
  const alone = estimateBytes({ one: shared })
  const twice = estimateBytes({ one: shared, other: shared })
  const copies = estimateBytes({ one: shared, other: { ...shared } })
  expect(alone).toBeGreaterThan(1_000)
  expect(twice).toBeLessThan(alone + 500)
  expect(copies).toBeGreaterThan(alone + 1_000)
})

test('a value that contains itself is counted once', () => {
  const value: { text: string; self?: unknown; list: unknown[] } = { text: 'x'.repeat(100), list: [] }
  const before = estimateBytes(value)
  value.self = value
  value.list.push(value, value)
  expect(estimateBytes(value)).toBeGreaterThan(before)
  expect(estimateBytes(value)).toBeLessThan(before + 300)
})

test('keys and values of maps, members of sets, and buffers are counted', () => {
  const text = 'x'.repeat(1_000)
  expect(estimateBytes(new Map([[text, `${text}!`]]))).toBeGreaterThan(2_000)
  expect(estimateBytes(new Set([text]))).toBeGreaterThan(1_000)
  expect(estimateBytes({ bytes: Buffer.alloc(5_000) })).toBeGreaterThan(5_000)
  expect(estimateBytes(Buffer.alloc(5_000))).toBeGreaterThan(5_000)
  for (const bytes of [new ArrayBuffer(5_000), new SharedArrayBuffer(5_000)]) {
    expect([estimateBytes(bytes), estimateBytes({ bytes })].every((size) => size > 5_000)).toBe(true)
  }
})

test('members that a value inherits are not its own', () => {
  const prototype = { text: 'x'.repeat(1_000) }
  expect(estimateBytes(Object.create(prototype))).toBe(estimateBytes({}))
})

test('of a value with very many parts the rest is extrapolated', () => {
  const many = Array.from({ length: 5_000 }, () => ({ a: 1, b: 2, c: 3 }))
  const few = many.slice(0, 1_000)
  const ratio = estimateBytes(many) / estimateBytes(few)
  expect(ratio).toBeGreaterThan(3)
  expect(ratio).toBeLessThan(7)
})
