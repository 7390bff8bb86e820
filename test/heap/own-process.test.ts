import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const OWN_PROCESS = fileURLToPath(new URL('../../src/heap/own-process.ts', import.meta.url))

/** Name and niceness of each thread of a process started with `niceness`. */
function threadsOf(script: string, niceness: number): [name: string, niceness: number][] {
  const listing = `
    const { getPriority } = await import('node:os')
    const { readdirSync, readFileSync } = await import('node:fs')
    const threads = readdirSync('/proc/self/task')
    const name = (id) => readFileSync('/proc/self/task/' + id + '/comm', 'utf8').trim()
    console.log(JSON.stringify(threads.map((id) => [name(id), getPriority(Number(id))])))`
  const order = ['-n', String(niceness), process.execPath, '--input-type=module-typescript', '-e', script + listing]
  return JSON.parse(execFileSync('nice', order, { encoding: 'utf8' }))
}

const prepare = `(await import(${JSON.stringify(OWN_PROCESS)})).prepareOwnProcess(1);`

test.each([
  { niceness: 0, behind: 5 },
  { niceness: 3, behind: 8 },
  { niceness: 17, behind: 19 },
])("V8's threads have a higher niceness than the main thread: $niceness, $behind", ({ niceness, behind }) => {
  const own = Number(execFileSync('nice', { encoding: 'utf8' }))
  const nicenessOf = (isOfV8: boolean, script: string) =>
    threadsOf(script, niceness).flatMap(([name, value]) => (name.endsWith('V8Worker') === isOfV8 ? [value] : []))

  expect(new Set(nicenessOf(true, prepare))).toEqual(new Set([Math.min(behind + own, 19)]))
  expect(new Set(nicenessOf(false, prepare))).toEqual(new Set([Math.min(niceness + own, 19)]))
  expect(new Set(nicenessOf(true, ''))).toEqual(new Set([Math.min(niceness + own, 19)]))
})
