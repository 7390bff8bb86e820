import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { openDiskFile } from '../../../src/stores/disk/file.ts'
import { temporaryFolder } from '../../support/folder.ts'

/** What another process would find at the moment a file is renamed. */
let hasLock: boolean | undefined

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  const renameSync: typeof fs.renameSync = (from, to) => {
    fs.renameSync(from, to)
    hasLock = fs.existsSync(`${String(from)}-lock`)
  }
  return { ...fs, renameSync }
})

test('a process that begins a new file as soon as a damaged one has been moved aside does not get its lock', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'herdgate-1.mdb')
  for (const name of [path, `${path}-lock`]) writeFileSync(name, 'damaged')
  const file = openDiskFile(folder)
  expect([file.movedTo, hasLock]).toEqual([`${path}.damaged`, false])
  expect(existsSync(`${path}-lock`)).toBe(true)
  await file.close()
})
