import { expect, test } from 'vitest'
import { memoized } from '../../src/policy/memoized.ts'

function counting() {
  const asked: string[] = []
  const upper = memoized((text) => {
    asked.push(text)
    return text === '' ? undefined : text.toUpperCase()
  })
  return { asked, upper }
}

test('a recent result is not computed again', () => {
  const { asked, upper } = counting()
  expect([upper('a'), upper('b'), upper('a')]).toEqual(['A', 'B', 'A'])
  expect(asked).toEqual(['a', 'b'])
})

test('an undefined result is computed each time', () => {
  const { asked, upper } = counting()
  expect([upper(''), upper('')]).toEqual([undefined, undefined])
  expect(asked).toEqual(['', ''])
})

test('of long texts only the last is remembered, beside the short ones', () => {
  const { asked, upper } = counting()
  const [long, longer] = ['x'.repeat(257), 'y'.repeat(10_000)]
  for (const text of ['a', long, 'a', long, longer, 'a', longer, long]) expect(upper(text)).toBe(text.toUpperCase())
  expect(asked).toEqual(['a', long, longer, long])
})

test('however many texts there are, few results are remembered', () => {
  const { asked, upper } = counting()
  for (let number = 0; number < 1_000; number++) expect(upper(`n${number}`)).toBe(`N${number}`)
  for (let number = 0; number < 1_000; number++) upper(`n${number}`)
  expect(asked.length).toBeGreaterThan(1_900)
})
