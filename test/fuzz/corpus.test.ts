import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { readCorpus } from './corpus.ts'
import { Fuzzer, longestHere, shortestTime } from './fuzzer.ts'
import { Random } from './random.ts'
import { must, type Target } from './target.ts'
import { targets } from './targets.ts'
import { directives } from './targets/directives.ts'

vi.setConfig({ testTimeout: 300_000 }) // it is work for a processor, of which others may take their share

const root = join(import.meta.dirname, '../..')

/** Files of the policy that read no text a peer wrote, or only through those that are covered. */
const NO_PARSERS: readonly string[] = ['src/policy/fields/cache-status.ts']

describe.each(targets)('$name', (target) => {
  it('holds for every kept input', () => {
    const longest = longestHere()
    for (const { file, input } of readCorpus(target.name)) {
      expect(() => target.run(input), file).not.toThrow()
      expect(shortestTime(target, input), file).toBeLessThan(longest)
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

it('the same seed tries the same inputs', () => {
  const tried = (seed: number): string[] => {
    const inputs: string[] = []
    const announce = (input: string) => void inputs.push(input)
    const target: Target = { ...directives, run: (input) => String(input.length % 7) }
    new Fuzzer({ target, random: new Random(seed), inputs: [], announce }).step(500)
    return inputs
  }
  expect(tried(1)).toEqual(tried(1))
  expect(tried(1)).not.toEqual(tried(2))
})

it('a failure is reported once per rule, minimised', () => {
  const target: Target = {
    ...directives,
    seeds: ['no-store, a!b, private'],
    run(input) {
      must('no exclamation mark', !input.includes('!'))
      return 'fine'
    },
  }
  const fuzzer = new Fuzzer({ target, random: new Random(1), inputs: [] })
  fuzzer.step(500)
  expect(fuzzer.failures.map(({ rule, input }) => [rule, input])).toEqual([['no exclamation mark', '!']])
})

it('an input that takes too long is a failure', () => {
  const tooLong = 3 * longestHere() // the machine may be slower by the time it is judged
  const spin = (): string => {
    const before = process.threadCpuUsage()
    for (;;) {
      const { user, system } = process.threadCpuUsage(before)
      if (user + system > tooLong * 1000) return 'slow'
    }
  }
  const target: Target = { ...directives, seeds: ['z'], run: (input) => (input === 'z' ? spin() : 'quick') }
  const { failures } = new Fuzzer({ target, random: new Random(1), inputs: [] })
  expect(failures.map(({ rule, input }) => [rule, input])).toEqual([['slow', 'z']])
})

it('every file of the policy is fuzzed', () => {
  const covered = new Set(targets.flatMap(({ covers }) => covers).concat(NO_PARSERS))
  const files = globSync('src/policy/**/*.ts', { cwd: root })
  expect(files.filter((file) => !covered.has(file))).toEqual([])
})
