import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const COLLECTOR = fileURLToPath(new URL('../../src/heap/collector.ts', import.meta.url))

/** What V8 says of the collections of quiet times, of a process that has filled its memory and falls silent. */
function traceOf(first: string): string {
  const quiet = ['--trace-memory-reducer', '--memory-reducer-delay-ms=100', '--gc-memory-reducer-start-delay-ms=100']
  const script = `import { giveBackMemory, keepCompiled } from ${JSON.stringify(COLLECTOR)}
    ${first}
    globalThis.kept = Array.from({ length: 1_000_000 }, (_, n) => ({ n, list: [n] }))
    setTimeout(() => {}, 500)`
  return execFileSync(process.execPath, [...quiet, '--input-type=module-typescript', '-e', script], {
    encoding: 'utf8',
  })
}

test('what was compiled is not collected in quiet times', () => {
  expect(traceOf('')).toMatch(/waiting for 100 ms/)
  expect(traceOf('keepCompiled()')).not.toMatch(/waiting for/)
})

test('unless memory is wanted back; and where it was not asked to stay, nothing is changed', () => {
  expect(traceOf('keepCompiled(); giveBackMemory(true)')).toMatch(/waiting for 100 ms/)
  expect(traceOf('giveBackMemory(false)')).toMatch(/waiting for 100 ms/)
})
