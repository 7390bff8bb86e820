import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readCorpus } from './corpus.ts'
import { Fuzzer, LONGEST_MS, shortestTime } from './fuzzer.ts'
import { Random } from './random.ts'
import { targets } from './targets.ts'

const root = join(import.meta.dirname, '../..')

/** Files of the policy that read no text a peer wrote, or only through those that are covered. */
const NO_PARSERS: readonly string[] = []

describe.each(targets)('$name', (target) => {
  it('holds for every kept input', () => {
    for (const { file, input } of readCorpus(target.name)) {
      expect(() => target.run(input), file).not.toThrow()
      expect(shortestTime(target, input), file).toBeLessThan(LONGEST_MS)
    }
  })

  it('holds for mutated inputs', () => {
    const inputs = readCorpus(target.name).map(({ input }) => input)
    const fuzzer = new Fuzzer({ target, random: new Random(1), inputs, maxLength: 2048 })
    while (fuzzer.executions < 2000) fuzzer.step()
    expect(fuzzer.failures).toEqual([])
  })

  it('covers files that exist', () => {
    expect(target.covers.filter((file) => !existsSync(join(root, file)))).toEqual([])
  })
})

it('every file of the policy is fuzzed', () => {
  const covered = new Set(targets.flatMap(({ covers }) => covers).concat(NO_PARSERS))
  const files = globSync('src/policy/*.ts', { cwd: root })
  expect(files.filter((file) => !covered.has(file))).toEqual([])
})
