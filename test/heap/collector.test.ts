import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { outputOf } from './own-script.ts'

const COLLECTOR = fileURLToPath(new URL('../../src/heap/collector.ts', import.meta.url))

function outputAfter(flags: readonly string[], script: string): string {
  const imports = `import * as collector from ${JSON.stringify(COLLECTOR)}
    import { setFlagsFromString } from 'node:v8'
    const { collectSeldom, collectYoungInOneThread, giveBackMemory } = collector\n`
  return outputOf(flags, imports + script)
}

/** V8's trace of idle-time collections, for a process that fills its memory and then falls idle. */
function traceOf(first: string): string {
  const quiet = ['--trace-memory-reducer', '--memory-reducer-delay-ms=100', '--gc-memory-reducer-start-delay-ms=100']
  return outputAfter(
    quiet,
    `${first}
    globalThis.kept = Array.from({ length: 1_000_000 }, (_, n) => ({ n, list: [n] }))
    setTimeout(() => {}, 500)`,
  )
}

/** The growth V8 allows the old generation, in percent, as listed by its own help on flags. */
function growthAfter(first: string): number {
  const flags = outputAfter([], `${first}\nsetFlagsFromString('--help')`)
  return Number(/--heap-growing-percent=(\d+)/.exec(flags)?.[1])
}

test('compiled code is not collected in quiet times', () => {
  expect(traceOf('')).toMatch(/waiting for 100 ms/)
  expect(traceOf('collectSeldom()')).not.toMatch(/waiting for/)
})

test('the old generation may double before it is marked', () => {
  expect([growthAfter(''), growthAfter('collectSeldom()')]).toEqual([0, 100])
})

test("a memory shortage restores V8's defaults until it is over, and changes nothing if they were in effect", () => {
  for (const first of ['collectSeldom(); giveBackMemory(true)', 'giveBackMemory(false)']) {
    expect(traceOf(first)).toMatch(/waiting for 100 ms/)
    expect(growthAfter(first)).toBe(0)
  }
  expect(growthAfter('collectSeldom(); giveBackMemory(true); giveBackMemory(false)')).toBe(100)
})

test('young garbage is collected by one thread', () => {
  const flagAfter = (first: string) =>
    /default: (--(?:no-)?parallel-scavenge)\n/.exec(outputAfter([], `${first}\nsetFlagsFromString('--help')`))?.[1]
  expect(flagAfter('')).toBe('--parallel-scavenge')
  expect(flagAfter('collectYoungInOneThread()')).toBe('--no-parallel-scavenge')
})
