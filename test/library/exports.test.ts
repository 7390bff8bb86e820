import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import * as library from '../../src/index.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/library.md'), 'utf8')

test.each(Object.keys(library))('the package exports %s, which is documented', (name) => {
  expect(PAGE).toMatch(new RegExp(`\\b${name}\\b`))
})
