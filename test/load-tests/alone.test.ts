import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { familyOf } from '../../load-tests/lib/cpu.ts'
import { alone } from '../../load-tests/peers/alone.ts'

test('while one server is measured the others are suspended with their children, and resumed even if it fails', async () => {
  const family = await parentAndChild()
  await alone(family.slice(0, 1), () => become(family, 'T'))
  await become(family, 'S')
  await expect(alone(family.slice(0, 1), () => Promise.reject(new Error('no answer')))).rejects.toThrow('no answer')
  await become(family, 'S')
})

test('processes that have ended are ignored', async () => {
  const [[ended = 0], family] = [await parentAndChild(), await parentAndChild()]
  process.kill(ended, 'SIGKILL')
  await expect.poll(() => stateOf(ended)).toBeUndefined()
  await alone([ended, family[0] ?? 0], () => become(family, 'T'))
})

async function become(family: readonly number[], state: string): Promise<void> {
  await expect.poll(() => family.map(stateOf)).toEqual(family.map(() => state))
}

/** PIDs of a parent and its child, both idle. */
async function parentAndChild(): Promise<number[]> {
  const parent = spawn('sh', ['-c', 'sleep 600 & echo; wait'], { stdio: ['ignore', 'pipe', 'ignore'] })
  await once(parent.stdout, 'data')
  const family = familyOf(parent.pid ?? 0)
  onTestFinished(() => {
    for (const member of family.filter((each) => stateOf(each) !== undefined)) process.kill(member, 'SIGKILL')
  })
  expect(family).toHaveLength(2)
  return family
}

/** The third field of proc_pid_stat(5); undefined if there is no such process. */
function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2)[0]
  } catch {
    return undefined
  }
}
