import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { openDiskFile } from '../../../src/stores/disk/file.ts'
import { temporaryFolder } from '../../support/folder.ts'

const PROCESS = join(import.meta.dirname, '../../support/disk-process.ts')

/** What happens when a file has been closed, and has yet to be marked as closed. */
let onClosed = (): void => undefined

beforeEach(() => {
  onClosed = () => undefined
})
afterEach(() => void vi.restoreAllMocks())

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  const writeFileSync: typeof fs.writeFileSync = (file, ...more) => {
    if (String(file).endsWith('/closed')) onClosed()
    fs.writeFileSync(file, ...more)
  }
  return { ...fs, writeFileSync }
})

/** Another process opens the file, and ends without writing to it or closing it. */
function openElsewhere(folder: string): void {
  expect(spawnSync(process.execPath, [PROCESS, folder, 'open']).stdout.toString()).toBe('opened\n')
}

/** Another process writes to the file, and is killed meanwhile. */
async function killElsewhere(folder: string): Promise<void> {
  const child = spawn(process.execPath, [PROCESS, folder, 'write'], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout ?? child, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** Another process has the file open, until it is ended. */
async function useElsewhere(folder: string): Promise<{ pid: number | undefined; end: () => Promise<unknown> }> {
  const child = spawn(process.execPath, [PROCESS, folder, 'use'], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return { pid: child.pid, end: () => Promise.all([once(child, 'exit'), child.stdin.end()]) }
}

/** Opens the file and closes it. @returns how often it was checked */
async function checksOf(folder: string): Promise<number> {
  const program = join(temporaryFolder(), 'node')
  writeFileSync(program, `#!/bin/sh\necho >> "$0.runs"\nexec ${process.execPath} "$@"\n`, { mode: 0o755 })
  const node = vi.spyOn(process, 'execPath', 'get').mockReturnValue(program)
  await openDiskFile(folder).close()
  node.mockRestore()
  return existsSync(`${program}.runs`) ? readFileSync(`${program}.runs`, 'utf8').length : 0
}

test('a file that a process had open when it ended is checked, even if that process wrote nothing', async () => {
  const folder = temporaryFolder()
  await openDiskFile(folder).close()
  expect(await checksOf(folder)).toBe(0)
  openElsewhere(folder)
  expect([await checksOf(folder), await checksOf(folder)]).toEqual([1, 0])
})

test('so is one that it opened while another process had yet to mark it as closed', async () => {
  const folder = temporaryFolder()
  onClosed = () => {
    onClosed = () => undefined
    openElsewhere(folder)
  }
  await openDiskFile(folder).close()
  expect([await checksOf(folder), await checksOf(folder)]).toEqual([1, 0])
})

test('so is one that another process closes later, and properly', async () => {
  const folder = temporaryFolder()
  const file = openDiskFile(folder)
  await killElsewhere(folder)
  await file.close()
  expect([await checksOf(folder), await checksOf(folder)]).toEqual([1, 0])
})

test('so is one that was found damaged while yet another had it open, when that has closed it', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'herdgate-1.mdb')
  const user = await useElsewhere(folder)
  await killElsewhere(folder)
  truncateSync(path, statSync(path).size - 4_096)
  expect(() => openDiskFile(folder)).toThrow(`is damaged and in use by process ${user.pid}`)
  await user.end()
  const file = openDiskFile(folder)
  expect(file.movedTo).toBe(`${path}.damaged`)
  await file.close()
})

test('one check is enough, also while another process has it open', async () => {
  const folder = temporaryFolder()
  const user = await useElsewhere(folder)
  await killElsewhere(folder)
  expect(await checksOf(folder)).toBe(1)
  await user.end()
  expect(await checksOf(folder)).toBe(0)
})

test('a file that is begun in place of one that was removed is not checked for what had that open', async () => {
  const folder = temporaryFolder()
  await killElsewhere(folder)
  for (const name of ['herdgate-1.mdb', 'herdgate-1.mdb-lock']) rmSync(join(folder, name))
  await openDiskFile(folder).close()
  expect(await checksOf(folder)).toBe(0)
})
