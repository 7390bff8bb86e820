import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { outputOf } from './own-script.ts'

const NEW_SPACE = fileURLToPath(new URL('../../src/heap/new-space.ts', import.meta.url))
const IN_ONE_TURN = 'globalThis.kept = Array.from({ length: 300_000 }, (_, n) => ({ n }))'
const IN_MANY_TURNS = `globalThis.kept = []
  for (let turn = 0; turn < 300; turn++) {
    for (let n = 0; n < 1_000; n++) kept.push({ n })
    await new Promise((resolve) => setImmediate(resolve))
  }`

/** Sizes that the new space reaches while objects survive, in MiB. */
function newSpaceAfter(script: string, ...flags: readonly string[]): number[] {
  const imports = `import { sizeNewSpace } from ${JSON.stringify(NEW_SPACE)}\n`
  const traces = outputOf(['--trace-gc', '--trace-gc-nvp', ...flags], imports + script)
  const sizes = [...traces.matchAll(/"new_space_capacity":(\d+)/g)].map(([, bytes]) => Number(bytes) / 2 ** 20)
  return [...new Set(sizes)]
}

test('the new space grows to its maximum at once', () => {
  const byItself = newSpaceAfter(IN_ONE_TURN)
  const atOnce = newSpaceAfter(`sizeNewSpace()\n${IN_ONE_TURN}`)
  expect(byItself.length).toBeGreaterThan(2)
  expect(atOnce.length).toBe(1)
  expect(Math.max(...atOnce)).toBeGreaterThanOrEqual(Math.max(...byItself))
})

test.each([
  { old: 64, most: 2 },
  { old: 128, most: 4 },
])('it grows no larger than 1/32 of an old generation of $old MiB', ({ old, most }) => {
  const flags = [`--max-old-space-size=${old}`, '--max-semi-space-size=32']
  expect(Math.max(...newSpaceAfter(IN_MANY_TURNS, ...flags))).toBeGreaterThan(most)
  expect(Math.max(...newSpaceAfter(`sizeNewSpace()\n${IN_MANY_TURNS}`, ...flags))).toBe(most)
})

test('it grows to its maximum at once in a small heap too if that is little of it', () => {
  const flags = ['--max-old-space-size=128', '--max-semi-space-size=4']
  expect(newSpaceAfter(`sizeNewSpace()\n${IN_ONE_TURN}`, ...flags)).toEqual([4])
})
