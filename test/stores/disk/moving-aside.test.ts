import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test, vi } from 'vitest'
import { openDiskFile } from '../../../src/stores/disk/file.ts'
import { temporaryFolder } from '../../support/folder.ts'

const PROCESS = join(import.meta.dirname, '../../support/disk-process.ts')

/** What another process would find at the moment a file is renamed. */
let hasLock: boolean | undefined

/** What happens when the lock of a damaged file has been removed, and the file has yet to be renamed. */
let onLockRemoved = (): void => undefined

beforeEach(() => {
  onLockRemoved = () => undefined
})

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  const renameSync: typeof fs.renameSync = (from, to) => {
    onLockRemoved()
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

test('while a damaged file is moved aside, another process does not open it, nor remove what takes its place', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'herdgate-1.mdb')
  for (const name of [path, `${path}-lock`]) writeFileSync(name, 'damaged')
  let others = ''
  onLockRemoved = () => {
    others = spawnSync(process.execPath, [PROCESS, folder, 'open']).stdout.toString()
  }
  const file = openDiskFile(folder)
  expect(others).toMatch('could not be checked')
  expect([file.inspect(), readFileSync(`${path}.damaged`, 'latin1')]).toEqual(['in place', 'damaged'])
  await file.close()
})
