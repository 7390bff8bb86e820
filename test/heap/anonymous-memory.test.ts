import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'
import { outputOf } from './own-script.ts'

const MODULE = fileURLToPath(new URL('../../src/heap/anonymous-memory.ts', import.meta.url))
const MEBIBYTE = 2 ** 20

/** Growth in MiB of all resident memory, and of the part not backed by files. */
function growth(flags: readonly string[], script: string): { readonly resident: number; readonly anonymous: number } {
  const output = outputOf(
    flags,
    `import { anonymousBytes } from ${JSON.stringify(MODULE)}
    import { open } from 'lmdb'
    const use = () => [process.memoryUsage.rss(), anonymousBytes()]
    const before = use()
    ${script}
    console.log(use().map((bytes, at) => bytes - before[at]).join())`,
  )
  const [resident = 0, anonymous = 0] = output.split(',').map((bytes) => Number(bytes) / MEBIBYTE)
  return { resident, anonymous }
}

test('memory that a process allocates counts', () => {
  const { anonymous } = growth([], 'globalThis.kept = Buffer.alloc(64 * 2 ** 20, 1)')
  expect(anonymous).toBeGreaterThan(60)
  expect(anonymous).toBeLessThan(80)
})

test('pages of a file, such as those of the disk store, do not count', () => {
  const folder = temporaryFolder(import.meta.dirname) // on a disk, as the repository is
  const { resident, anonymous } = growth(
    ['--expose-gc'],
    `const db = open({ path: ${JSON.stringify(folder)}, encoding: 'binary' })
    for (let n = 0; n < 64; n++) await db.put(n, Buffer.alloc(2 ** 20, n + 1))
    await db.flushed
    for (let n = 0; n < 64; n++) {
      if (db.get(n).length !== 2 ** 20) throw new Error('not as it was put')
      if (n % 8 === 0) gc()
    }
    gc()`,
  )
  expect(resident - anonymous).toBeGreaterThan(60)
})

test("not even Node's own count", () => {
  const output = outputOf(
    [],
    `import { anonymousBytes } from ${JSON.stringify(MODULE)}; console.log(process.memoryUsage.rss() - anonymousBytes())`,
  )
  expect(Number(output)).toBeGreaterThan(20 * MEBIBYTE)
})
