import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const urlOf = (file: string) => JSON.stringify(fileURLToPath(new URL(`../../src/heap/${file}`, import.meta.url)))

/** Runs a script in a process of its own; `anonymous()` is what that has resident, in MiB. */
function run(script: string, flags: readonly string[] = []): { readonly output: string; readonly errors: string } {
  const imports = `import { anonymousBytes } from ${urlOf('anonymous-memory.ts')}
    import { collectAll } from ${urlOf('collector.ts')}
    import { trimMalloc } from ${urlOf('malloc.ts')}
    const anonymous = () => anonymousBytes() / 2 ** 20\n`
  const args = [...flags, '--input-type=module-typescript', '-e', imports + script]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 })
  expect(status, stderr).toBe(0)
  return { output: stdout, errors: stderr }
}

test('what lies free between buffers in use goes back to the system', () => {
  const { output } = run(`
    let kept = Array.from({ length: 3_000 }, () => Buffer.alloc(60_000, 1))
    const before = anonymous()
    kept = kept.filter((_, at) => at % 50 === 0)
    collectAll()
    console.log(before - anonymous(), kept.length)`)
  const [returned, kept] = output.split(' ').map(Number)
  expect(kept).toBe(60)
  expect(returned).toBeGreaterThan(140)
})

test('nothing is written to standard error, and later warnings are', () => {
  expect(run('trimMalloc()').errors).toBe('')
  expect(run("trimMalloc(); process.emitWarning('of another kind')").errors).toContain('of another kind')
})

test('without the module nothing happens', () => {
  expect(run("trimMalloc(); console.log('went on')", ['--no-experimental-ffi'])).toEqual({
    output: 'went on\n',
    errors: '',
  })
})
