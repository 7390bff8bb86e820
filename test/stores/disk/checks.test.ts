import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { checkFile, forgetCheck } from '../../../src/stores/disk/checks.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { until } from '../../support/waiting.ts'

afterEach(() => void vi.restoreAllMocks())

/** A file whose check runs this script. */
function given(script: string): { path: string; clock: FakeClock } {
  const path = join(temporaryFolder(), 'file')
  writeFileSync(path, '')
  checkedBy(script)
  return { path, clock: new FakeClock() }
}

/** @param script its second argument is the file */
function checkedBy(script: string): void {
  const program = join(temporaryFolder(), 'node')
  writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  vi.spyOn(process, 'execPath', 'get').mockReturnValue(program)
}

const KILLED = { unknown: 'its check was ended by SIGKILL' }

test('an inconclusive check is repeated at growing intervals of up to five minutes, and never waited for', async () => {
  const { path, clock } = given('kill -KILL $$')
  expect(checkFile(path, clock, Infinity)).toEqual(KILLED)
  for (const seconds of [10, 20, 40, 80, 160, 300, 300]) {
    await clock.advance(seconds * 1_000 - 1)
    expect(checkFile(path, clock, 0)).toEqual(KILLED)
    await clock.advance(1)
    expect(checkFile(path, clock, 0)).toBeUndefined()
    await expect.poll(() => checkFile(path, clock, 0)).toEqual(KILLED)
  }
  forgetCheck(path)
})

test('the result of a check is kept until requested, and is valid for a while after that', async () => {
  const { path, clock } = given('echo >> "$2.runs"; exit 65')
  expect(checkFile(path, clock, 0)).toBeUndefined()
  await until(() => existsSync(`${path}.runs`), 'it has been checked')
  await clock.advance(3_600_000)
  await expect.poll(() => checkFile(path, clock, 0)).toBe('damaged')
  expect(readFileSync(`${path}.runs`, 'utf8')).toHaveLength(1)
  await clock.advance(9_999)
  expect(checkFile(path, clock, 0)).toBe('damaged')
  await clock.advance(1)
  expect(checkFile(path, clock, 0)).toBeUndefined()
  forgetCheck(path)
})

test('the result of a check does not apply to a file that replaced the checked one', async () => {
  const { path, clock } = given('exit 65')
  expect(checkFile(path, clock, Infinity)).toBe('damaged')
  writeFileSync(`${path}.new`, '')
  renameSync(`${path}.new`, path)
  expect(checkFile(path, clock, 0)).toBeUndefined()
  forgetCheck(path)
})

test.each(['none', 'file/none'])(
  'a check that cannot be started beside the process (%s) says nothing',
  async (name) => {
    const { path, clock } = given('exit 0')
    vi.spyOn(process, 'execPath', 'get').mockReturnValue(join(dirname(path), name))
    await expect.poll(() => checkFile(path, clock, 0)).toEqual({ unknown: expect.stringContaining('spawn') })
    forgetCheck(path)
  },
)

test('a check that takes longer than the process may block is killed, and repeated in the background', async () => {
  const { path, clock } = given('exec sleep 60')
  expect(checkFile(path, clock, 50)).toEqual({ unknown: expect.stringContaining('ETIMEDOUT') })
  checkedBy('for n in $(seq 600); do [ -e "$2.goes-on" ] && break; sleep 0.1; done')
  await clock.advance(10_000)
  expect(checkFile(path, clock, 0)).toBeUndefined()
  writeFileSync(`${path}.goes-on`, '')
  await expect.poll(() => checkFile(path, clock, 0)).toBe('sound')
  forgetCheck(path)
})
