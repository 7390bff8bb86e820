/**
 * Reads every page of an LMDB file that is in use, as a process of its own: ends with 0 when all of it is there. A
 * damaged file may well take the process down.
 */
import { createRequire } from 'node:module'
import { statSync } from 'node:fs'

const [path = ''] = process.argv.slice(2)
const lmdb: typeof import('lmdb') = createRequire(import.meta.url)('lmdb')
const OPTIONS = { encoding: 'binary', keyEncoding: 'binary', cache: false } as const
const env = lmdb.open<Uint8Array, Uint8Array>({ path, readOnly: true, maxDbs: 16, ...OPTIONS })

for (const name of [...env.getKeys()]) {
  const table = env.openDB<Uint8Array, Uint8Array>(Buffer.from(name).toString('latin1').replace(/\0$/, ''), OPTIONS)
  let entries = 0
  let before: Buffer | undefined
  for (const key of table.getKeys()) {
    const here = Buffer.from(key)
    must(before === undefined || Buffer.compare(before, here) < 0, 'keys ascend')
    must(table.getBinaryFast(here) !== undefined, 'every key is found')
    before = here
    entries += 1
  }
  must(countOf(table.getStats(), 'entryCount') === entries, 'as many entries as the tree says')
}
const stats = env.getStats()
const needed = (countOf(stats, 'lastPageNumber') + 1) * countOf(stats, 'pageSize')
must(statSync(path).size >= needed, 'as long as its pages')

function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(`${path}: expected ${what}`)
}

function countOf(stats: object, name: string): number {
  return Number(Object.entries(stats).find(([key]) => key === name)?.[1])
}
