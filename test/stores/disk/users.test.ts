import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { addUser, forgetEnded, isNamed, leftOpenBy, othersIn, removeUser } from '../../../src/stores/disk/users.ts'
import { temporaryFolder } from '../../support/folder.ts'

/** A folder in which these processes are registered as users of the file, with their start times. */
function folderOf(users: Record<number, string>): string {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'users'))
  for (const [pid, began] of Object.entries(users)) writeFileSync(join(folder, 'users', pid), began)
  return folder
}

const namedIn = (folder: string): string[] => readdirSync(join(folder, 'users'))

/** A zombie and its parent: the parent replaces its shell by `sleep`, which never reaps the child. */
async function zombie(): Promise<[zombie: number, parent: number]> {
  const untilNobodyAsks = 'until grep -q sleep /proc/$$/comm; do sleep 0.01; done'
  const parent = spawn('sh', ['-c', `(${untilNobodyAsks}) & echo $!; exec sleep 600`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  onTestFinished(() => void parent.kill('SIGKILL'))
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string]
  await expect.poll(() => readFileSync(`/proc/${line}/stat`, 'latin1')).toMatch(/\) Z /)
  return [Number(line), parent.pid ?? NaN]
}

test('a process does not count itself as another, and leaves nothing behind', () => {
  const folder = folderOf({})
  addUser(folder)
  expect([namedIn(folder), othersIn(folder)]).toEqual([[String(process.pid)], []])
  removeUser(folder)
  expect(namedIn(folder)).toEqual([])
})

test('a running process counts as another, even if its start time is not recorded', () => {
  const folder = folderOf({ [process.ppid]: '' })
  expect([othersIn(folder), namedIn(folder)]).toEqual([[process.ppid], [String(process.ppid)]])
})

test('a process that has ended is named until the file has been checked', async () => {
  const child = spawn('true')
  await once(child, 'exit')
  const ended = child.pid ?? NaN
  const folder = folderOf({ [ended]: '', [process.ppid]: '' })
  expect([othersIn(folder), leftOpenBy(folder), isNamed(folder)]).toEqual([[process.ppid], [ended], true])
  forgetEnded(folder, [ended, process.ppid])
  expect([othersIn(folder), leftOpenBy(folder), namedIn(folder)]).toEqual([[process.ppid], [], [String(process.ppid)]])
})

test.runIf(existsSync('/proc/self/stat'))('a process is distinguished from an earlier one with its PID', () => {
  const folder = folderOf({})
  addUser(folder)
  const began = readFileSync(join(folder, 'users', String(process.pid)), 'latin1')
  const stat = readFileSync(`/proc/${process.ppid}/stat`, 'latin1')
  const parentBegan = stat.slice(stat.lastIndexOf(')')).split(' ')[20] ?? ''
  expect([began, parentBegan]).toEqual([expect.stringMatching(/^\d+$/), expect.stringMatching(/^\d+$/)])

  const same = folderOf({ [process.ppid]: parentBegan })
  expect([othersIn(same), namedIn(same)]).toEqual([[process.ppid], [String(process.ppid)]])
  const former = folderOf({ [process.ppid]: String(Number(parentBegan) - 1) })
  expect([othersIn(former), leftOpenBy(former)]).toEqual([[], [process.ppid]])
})

test.runIf(existsSync('/proc/self/task'))('a thread does not count as a process', () => {
  const threads = readdirSync('/proc/self/task').map(Number)
  const folder = folderOf(Object.fromEntries(threads.map((thread) => [thread, ''])))
  expect(threads.length).toBeGreaterThan(1)
  expect(othersIn(folder)).toEqual([])
})

test.runIf(existsSync('/proc/self/stat'))(
  'an ended process does not count, even if it has not been reaped',
  async () => {
    const [ended, parent] = await zombie()
    const folder = folderOf({ [ended]: '', [parent]: '' })
    expect([othersIn(folder), leftOpenBy(folder)]).toEqual([[parent], [ended]])
  },
)
