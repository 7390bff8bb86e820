/** Which processes have the file of a folder open: each leaves its PID there, and when it began. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beginningOf, isRunning } from './process-identity.ts'

/** Folder beside the file. */
export const USERS = 'users'

/** From now on this process has it open. */
export function addUser(folder: string): void {
  writeFileSync(fileOf(folder, process.pid), beginningOf(process.pid))
}

/** From now on it no longer has. */
export function removeUser(folder: string): void {
  rmSync(fileOf(folder, process.pid), { force: true })
}

/** Other processes that have it open. */
export const othersIn = (folder: string): number[] =>
  namedIn(folder).filter((pid) => pid !== process.pid && isUser(folder, pid))

/** Processes that have ended while they had it open, also an earlier one with the PID of this. */
export const leftOpenBy = (folder: string): number[] => namedIn(folder).filter((pid) => !isUser(folder, pid))

/** Whether a process has it open, or has ended while it had. */
export const isNamed = (folder: string): boolean => namedIn(folder).length > 0

/** Those that have ended no longer count: the file has been checked since, or is another. */
export function forgetEnded(folder: string, pids: readonly number[]): void {
  for (const pid of pids) if (!isUser(folder, pid)) rmSync(fileOf(folder, pid), { force: true })
}

/** PIDs of the processes that have left theirs. */
function namedIn(folder: string): number[] {
  if (!existsSync(join(folder, USERS))) return [] // somebody tidied up
  return readdirSync(join(folder, USERS))
    .map(Number)
    .filter((pid) => Number.isSafeInteger(pid))
}

const isUser = (folder: string, pid: number): boolean => isRunning(pid, recordedBeginning(fileOf(folder, pid)))

const fileOf = (folder: string, pid: number): string => join(folder, USERS, String(pid))

/** When it began; `''` where that process did not know, or this one cannot read it. */
function recordedBeginning(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
