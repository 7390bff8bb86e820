import { readdirSync, readFileSync } from 'node:fs'
import { constants, getPriority, setPriority } from 'node:os'
import { collectSeldom, collectYoungInOneThread, growNewSpaceAtOnce } from './collector.ts'

/** A thread of this priority gets a third of what the one that answers gets, where both want the same core. */
const BEHIND_BY = 5
const THREADS = '/proc/self/task'

/**
 * Settings of V8 and its threads, for a process that is Herdgate's own: an embedder's is left as it is.
 * @param cores that no other process of ours wants
 */
export function prepareOwnProcess(cores: number): void {
  collectSeldom()
  growNewSpaceAtOnce()
  if (cores === 1) collectYoungInOneThread()
  putBackgroundThreadsBehind()
}

/**
 * V8's threads, which mark garbage and compile, take the core from the one that answers where there is but one for all
 * (docs/decisions/heap/background-threads-stand-behind.md). Elsewhere than on Linux threads have no priority of their own.
 */
function putBackgroundThreadsBehind(): void {
  if (process.platform !== 'linux') return
  try {
    const niceness = Math.min(getPriority() + BEHIND_BY, constants.priority.PRIORITY_LOW)
    for (const id of readdirSync(THREADS)) {
      if (isBackground(id)) setPriority(Number(id), niceness)
    }
  } catch {
    // Not allowed to, or a thread that has ended: all goes on as it would.
  }
}

/** Node names them `V8Worker`, from version 25 on `node-V8Worker`. */
const isBackground = (id: string): boolean => readFileSync(`${THREADS}/${id}/comm`, 'utf8').trim().endsWith('V8Worker')
