/**
 * Reads everything in an LMDB file, as a process of its own: exits with 0 when all of it is there and as it was
 * written, with `DAMAGED` when not, and with anything else when that could not be determined. A damaged file may well
 * crash the process.
 */
import { createRequire } from 'node:module'
import { statSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname } from 'node:path'
import type { RootDatabase } from 'lmdb'
import { sealWith, unsealed } from '../codec/seal.ts'
import { DAMAGED } from './check-result.ts'
import { exclusively } from './mutual-exclusion.ts'

const [path = ''] = process.argv.slice(2)
const lmdb: typeof import('lmdb') = createRequire(import.meta.url)('lmdb')
const OPTIONS = { encoding: 'binary', keyEncoding: 'binary', cache: false } as const

/** Errors of the machine, not of the file. Not ENOMEM: a damaged header may ask for any amount of memory. */
const { EACCES, EAGAIN, EDQUOT, EINTR, EMFILE, ENFILE, ENOSPC, EPERM, EROFS } = constants.errno
const MDB_READERS_FULL = -30790
const ELSEWHERE = [EACCES, EAGAIN, EDQUOT, EINTR, EMFILE, ENFILE, ENOSPC, EPERM, EROFS, MDB_READERS_FULL]

/** How long it may wait for other processes that are opening the file. */
const MAX_WAIT_MS = 2_000

let env: RootDatabase<Uint8Array, Uint8Array> | undefined
exclusively(dirname(path), MAX_WAIT_MS, () => {
  judge(() => {
    env = lmdb.open<Uint8Array, Uint8Array>({ path, readOnly: true, maxDbs: 16, ...OPTIONS })
  })
})
judge(() => {
  if (env !== undefined) walk(env)
})

function judge(read: () => void): void {
  try {
    read()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (ELSEWHERE.some((elsewhere) => elsewhere === code)) throw error
    process.exitCode = DAMAGED
  }
}

/** @throws when it is not as it was written */
function walk(env: RootDatabase<Uint8Array, Uint8Array>): void {
  const names = Array.from(env.getKeys()).map((name) => Buffer.from(name).toString('latin1').replace(/\0$/, ''))
  for (const name of names) {
    const table = env.openDB<Uint8Array, Uint8Array>(name, OPTIONS)
    let entries = 0
    let before: Buffer | undefined
    for (const key of table.getKeys()) {
      const here = Buffer.from(key)
      must(before === undefined || Buffer.compare(before, here) < 0, 'keys ascend')
      const octets = table.getBinaryFast(here)
      must(octets !== undefined, 'every key is found')
      // Pages of large values have no other checksum, and freeing a damaged one would free others with it.
      must(name !== 'entries' || isSealed(octets), 'every entry is as it was written')
      before = here
      entries += 1
    }
    must(countOf(table.getStats(), 'entryCount') === entries, 'as many entries as the tree says')
  }
  const stats = env.getStats()
  const needed = (countOf(stats, 'lastPageNumber') + 1) * countOf(stats, 'pageSize')
  must(statSync(path).size >= needed, 'as long as its pages')
}

function isSealed(octets: Uint8Array): boolean {
  return unsealed(octets.subarray(0, octets.length), sealWith(undefined)) !== undefined
}

function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`${path}: expected ${what}`)
}

function countOf(stats: object, name: string): number {
  return Number(Object.entries(stats).find(([key]) => key === name)?.[1])
}
