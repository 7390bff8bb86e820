import { expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }

test.each(['start', 'demo'] as const)(
  'npm run %s replaces its process, so that a signal to npm reaches the server',
  (name) => {
    expect(manifest.scripts[name]).toMatch(/^exec node /)
  },
)

test('the package runs only what it declares: no install scripts, one bin, types for the entry', () => {
  expect(Object.keys(manifest.scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([])
  expect(manifest.bin).toEqual({ herdgate: 'dist/src/cli.js' })
  expect(manifest.exports['.']).toEqual({ types: './dist/src/index.d.ts', default: './dist/src/index.js' })
})
