import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { outputOf } from './own-script.ts'

const COLLECTIONS = fileURLToPath(new URL('../../src/heap/collections.ts', import.meta.url))
const CONTENT_VOLUME = fileURLToPath(new URL('../../src/heap/content-volume.ts', import.meta.url))

/** Output of a script in its own process, where nothing else makes garbage. V8 reports collections with a delay. */
function outputAfter(flags: readonly string[], script: string): string {
  const imports = `import { collections } from ${JSON.stringify(COLLECTIONS)}
    import { contentReceived } from ${JSON.stringify(CONTENT_VOLUME)}
    import { setTimeout as sleep } from 'node:timers/promises'\n`
  return outputOf([...flags, '--expose-gc', '--min-semi-space-size=16'], imports + script)
}

test('a full collection counts as in progress until its garbage has been freed', () => {
  const output = outputAfter(
    [],
    `const v8 = collections()
    const seen = [v8.isMajorUnderWay]
    gc({ type: 'minor' })
    await sleep(50)
    seen.push(v8.isMajorUnderWay)
    for (let tries = 0; tries < 10 && !v8.isMajorUnderWay; tries++) {
      gc()
      await sleep(50)
    }
    seen.push(v8.isMajorUnderWay)
    await sleep(1_050)
    console.log([...seen, v8.isMajorUnderWay].join())`,
  )
  expect(output.trim()).toBe('false,false,true,false')
})

test('marking counts as in progress from its beginning to its end', () => {
  const output = outputAfter(
    [],
    `const v8 = collections()
    await sleep(50)
    const seen = [v8.isMajorUnderWay]
    globalThis.kept = [new ArrayBuffer(128 * 2 ** 20), ...Array.from({ length: 200_000 }, (_, n) => ({ n }))]
    while (!v8.isMajorUnderWay) await sleep(1)
    console.log([...seen, v8.isMajorUnderWay].join())`,
  )
  expect(output.trim()).toBe('false,true')
})

test('content buffers are collected after 8 MiB, or later if V8 collected them meanwhile', () => {
  const collections = (meanwhile: string) => {
    const traces = outputAfter(
      ['--trace-gc'],
      `contentReceived(0)
      await sleep(100) // what V8 did to begin with is told late
      contentReceived(7 * 2 ** 20)
      ${meanwhile}
      await sleep(50)
      contentReceived(2 ** 20)`,
    )
    return [...traces.matchAll(/ ms: Scavenge .* testing/g)].length
  }
  expect(collections('')).toBe(1)
  expect(collections("gc({ type: 'minor' })")).toBe(1) // the explicit one
  expect(collections("gc({ type: 'minor' }); await sleep(50); contentReceived(7 * 2 ** 20)")).toBe(2)
})
