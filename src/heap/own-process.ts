import { readdirSync, readFileSync } from 'node:fs'
import { constants, getPriority, setPriority } from 'node:os'
import { collectSeldom, collectYoungInOneThread } from './collector.ts'
import { sizeNewSpace } from './new-space.ts'

/** Added niceness: such a thread gets a third of what the main thread gets, where both want the same core. */
const ADDED_NICENESS = 5
const THREADS = '/proc/self/task'

/**
 * Sets up V8 and its threads in a process that is Herdgate's own: an embedder's is left as it is.
 * @param cores that no other process of Herdgate wants
 */
export function prepareOwnProcess(cores: number): void {
  collectSeldom()
  sizeNewSpace()
  if (cores === 1) collectYoungInOneThread()
  lowerBackgroundThreads()
}

/**
 * V8's background threads, which mark garbage and compile, take the core from the main thread where there is only one
 * (docs/decisions/heap/background-threads-stand-behind.md). Only on Linux do threads have a priority of their own.
 */
function lowerBackgroundThreads(): void {
  if (process.platform !== 'linux') return
  try {
    const niceness = Math.min(getPriority() + ADDED_NICENESS, constants.priority.PRIORITY_LOW)
    for (const id of readdirSync(THREADS)) {
      if (isBackground(id)) setPriority(Number(id), niceness)
    }
  } catch {
    // Not permitted, or a thread has ended: priorities stay as they are.
  }
}

/** Node names them `V8Worker`, from version 25 on `node-V8Worker`. */
const isBackground = (id: string): boolean => readFileSync(`${THREADS}/${id}/comm`, 'utf8').trim().endsWith('V8Worker')
