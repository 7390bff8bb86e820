import { expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }

test.each(['start', 'demo'] as const)(
  'npm run %s hands its process over, so that a signal to npm reaches the server',
  (name) => {
    expect(manifest.scripts[name]).toMatch(/^exec node /)
  },
)

test('what runs is what is declared: no install scripts, one bin, types for the entry', () => {
  expect(Object.keys(manifest.scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([])
  expect(manifest.bin).toEqual({ herdgate: 'dist/src/cli.js' })
  expect(manifest.exports['.']).toEqual({ types: './dist/src/index.d.ts', default: './dist/src/index.js' })
})
