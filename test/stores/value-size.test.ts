import { expect, test } from 'vitest'
import { estimateBytes } from '../../src/stores/value-size.ts'

test('everything a value holds is counted, each object once', () => {
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

test('map keys and values, set members and buffers are counted', () => {
  const text = 'x'.repeat(1_000)
  expect(estimateBytes(new Map([[text, `${text}!`]]))).toBeGreaterThan(2_000)
  expect(estimateBytes(new Set([text]))).toBeGreaterThan(1_000)
  expect(estimateBytes({ bytes: Buffer.alloc(5_000) })).toBeGreaterThan(5_000)
  expect(estimateBytes(Buffer.alloc(5_000))).toBeGreaterThan(5_000)
  for (const bytes of [new ArrayBuffer(5_000), new SharedArrayBuffer(5_000)]) {
    expect([estimateBytes(bytes), estimateBytes({ bytes })].every((size) => size > 5_000)).toBe(true)
  }
})

test('inherited members are not counted', () => {
  const prototype = { text: 'x'.repeat(1_000) }
  expect(estimateBytes(Object.create(prototype))).toBe(estimateBytes({}))
})

test('the size of a value with very many parts is extrapolated', () => {
  const many = Array.from({ length: 5_000 }, () => ({ a: 1, b: 2, c: 3 }))
  const few = many.slice(0, 1_000)
  const ratio = estimateBytes(many) / estimateBytes(few)
  expect(ratio).toBeGreaterThan(3)
  expect(ratio).toBeLessThan(7)
})

const texts = (count: number) => Array.from({ length: count }, (_, at) => `${'x'.repeat(100)}${at % 10}`)
const rows = (count: number) =>
  Array.from({ length: count }, (_, at) => Object.fromEntries(texts(10).map((text, column) => [column, text + at])))

test.each<[string, (count: number) => unknown, few: number, many: number]>([
  ['texts', texts, 1_000, 100_000],
  ['rows', rows, 500, 20_000],
  [
    'one list beside other things',
    (count) => ({ total: count, page: 1, next: 'n', rows: texts(count) }),
    1_000,
    100_000,
  ],
  ['lists of texts', (count) => Array.from({ length: count }, () => texts(300)), 10, 300],
  [
    'rows with little in them',
    (count) => Array.from({ length: count }, () => ({ a: [], b: {}, c: 1 })),
    1_000,
    100_000,
  ],
  ['a map', (count) => new Map(texts(count).entries()), 1_000, 100_000],
  ['a set', (count) => new Set(texts(count).map((text, at) => text + at)), 1_000, 100_000],
  ['an object with many members', (count) => Object.fromEntries(texts(count).entries()), 1_000, 50_000],
])('all of %s are counted, though too many to look at each', (_, make, few, many) => {
  const share = estimateBytes(make(many)) / many / (estimateBytes(make(few)) / few)
  expect(share).toBeGreaterThan(0.8)
  expect(share).toBeLessThan(1.25)
})

const dictionary = (count: number, name: (at: number) => string) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [name(at), at]))
const uuid = () => crypto.randomUUID()
const column = (at: number) => `column_${String.fromCharCode(97 + (at % 26), 97 + Math.floor(at / 26))}`

/** Bytes per member, as measured: dictionaries own their names, records of the same shape share them. */
test.each<[string, unknown, count: number, least: number, most: number]>([
  ['30 random names', dictionary(30, uuid), 30, 90, 170],
  ['1,000 random names', dictionary(1_000, uuid), 1_000, 90, 170],
  ['1,000 names without digits', dictionary(1_000, (at) => `${column(at % 676)} ${column(at)}`), 1_000, 80, 150],
  ['50,000 random names', dictionary(50_000, uuid), 50_000, 90, 170],
  ['30 random names in each of 30 members', Array.from({ length: 30 }, () => dictionary(30, uuid)), 900, 90, 170],
  ['1,000 numbers', dictionary(1_000, (at) => String(1_000_000 + at * 1_000)), 1_000, 40, 60],
  ['1,000 numbers without a gap', dictionary(1_000, String), 1_000, 8, 10],
  ['as many columns as records have', dictionary(100, column), 100, 8, 10],
  ['columns in 200 rows', Array.from({ length: 200 }, () => dictionary(30, column)), 6_000, 8, 12],
])('member names count if they belong to the value alone: %s', (_, value, count, least, most) => {
  const each = estimateBytes(value) / count
  expect(each).toBeGreaterThan(least)
  expect(each).toBeLessThan(most)
})

test.each(['ж'.repeat(1_000), `${'x'.repeat(998)}’s`, `x’${'s'.repeat(998)}`])(
  'a text with a character beyond ISO-8859-1 takes two bytes for each: %#',
  (text) => {
    expect(estimateBytes(text)).toBeGreaterThan(2_000)
    expect(estimateBytes({ text })).toBeGreaterThan(2_000)
  },
)

test.each(['Zürich', 'x'.repeat(1_000), 'é'.repeat(1_000), ''])(
  'any other text takes one byte per character: %#',
  (text) => {
    expect(estimateBytes(text) - text.length).toBe(estimateBytes(''))
  },
)

test.each(['Москва', '東京', '😀'])('a short text beyond ISO-8859-1 takes two bytes per character: %s', (text) => {
  expect(estimateBytes(text) - 2 * text.length).toBe(estimateBytes(''))
})

test('a value that cannot be fully inspected counts as at least its readable part', () => {
  const megabyte = Buffer.alloc(2 ** 20)
  const unreadable = (more: object) =>
    Object.defineProperty({ ...more }, 'broken', {
      enumerable: true,
      get: () => {
        throw new Error('broken')
      },
    })
  expect(estimateBytes(unreadable({}))).toBeGreaterThan(500)
  expect(estimateBytes(unreadable({ megabyte }))).toBeGreaterThan(2 ** 20)
  expect(estimateBytes(unreadable({ inside: { megabyte } }))).toBeGreaterThan(2 ** 20)
  const ring: { self?: object } = unreadable({ megabyte })
  ring.self = ring
  expect(estimateBytes(ring)).toBeGreaterThan(2 ** 20)
  const sealed = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('sealed')
      },
    },
  )
  expect(estimateBytes(sealed)).toBeGreaterThan(500)
})
