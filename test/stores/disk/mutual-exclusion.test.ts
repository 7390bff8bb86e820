import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { exclusively } from '../../../src/stores/disk/mutual-exclusion.ts'
import { temporaryFolder } from '../../support/folder.ts'

const SCRIPT = join(import.meta.dirname, '../../support/exclusive-process.ts')

function started(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [SCRIPT, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

const claimsIn = (folder: string): string[] => readdirSync(join(folder, 'claims'))

test('several processes take turns', async () => {
  const folder = temporaryFolder()
  const file = join(folder, 'number')
  writeFileSync(file, '0')
  const processes = Array.from({ length: 4 }, () => started(folder, 'count', file, '50'))
  expect(await Promise.all(processes.map(async (child) => (await once(child, 'exit'))[0]))).toEqual([0, 0, 0, 0])
  expect([readFileSync(file, 'latin1'), claimsIn(folder)]).toEqual(['200', []])
})

test('a turn that does not come in time is given up, and one whose process was killed is over', async () => {
  const folder = temporaryFolder()
  const holder = started(folder, 'hold')
  await once(holder.stdout ?? holder, 'data')
  expect(() => exclusively(folder, 20, () => 'mine')).toThrow(`process ${holder.pid} is opening it`)
  expect(claimsIn(folder)).toEqual([expect.stringMatching(`^${holder.pid}-`)])
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  expect([exclusively(folder, 0, () => 'mine'), claimsIn(folder)]).toEqual(['mine', []])
})

test.runIf(existsSync('/proc/self/stat'))('the turn of a process whose PID is that of another now is over', () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'claims'))
  writeFileSync(join(folder, 'claims', `${process.ppid}-1`), '')
  expect([exclusively(folder, 0, () => 'mine'), claimsIn(folder)]).toEqual(['mine', []])
})

test('a turn ends though what was done in it failed', () => {
  const folder = temporaryFolder()
  const fail = (): never => {
    throw new Error('failed')
  }
  expect(() => exclusively(folder, 0, fail)).toThrow('failed')
  expect(claimsIn(folder)).toEqual([])
})
