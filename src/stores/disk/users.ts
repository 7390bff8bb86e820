/**
 * Which processes have the file of a folder open: each leaves its PID there, and when it began. The PID alone of a
 * process that was killed is soon that of another, above all in a container, where PIDs are small.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Folder beside the file. */
export const USERS = 'users'

/** From now on this process has it open. */
export function addUser(folder: string): void {
  writeFileSync(fileOf(folder, process.pid), processOf(process.pid)?.began ?? '')
}

/** From now on it no longer has. */
export function removeUser(folder: string): void {
  rmSync(fileOf(folder, process.pid), { force: true })
}

/** Other processes that have it open. Removes what those that have ended left behind. */
export function othersIn(folder: string): number[] {
  if (!existsSync(join(folder, USERS))) return [] // somebody tidied up
  const others = readdirSync(join(folder, USERS)).map(Number)
  return others.filter((pid) => {
    if (pid === process.pid || !Number.isSafeInteger(pid)) return false
    const file = fileOf(folder, pid)
    if (isRunning(pid, recordedBeginning(file))) return true
    rmSync(file, { force: true })
    return false
  })
}

const fileOf = (folder: string, pid: number): string => join(folder, USERS, String(pid))

/** When it began; `''` where that process did not know, or this one cannot read it. */
function recordedBeginning(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}

function isRunning(pid: number, began: string): boolean {
  if (!isInUse(pid)) return false
  const found = processOf(pid)
  if (found === undefined) return true // nothing tells it from another process
  return found.isProcess && (began === '' || began === found.began)
}

/** Whether a process, or a thread of one, has this number: both are numbered together. */
function isInUse(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

interface Found {
  /** A running process: neither a thread nor a zombie. */
  readonly isProcess: boolean
  /** In ticks since the host started. */
  readonly began: string
}

/** What Linux says of it; undefined elsewhere, and where /proc numbers processes as another PID namespace does. */
function processOf(pid: number): Found | undefined {
  try {
    if (readlinkSync('/proc/self') !== String(process.pid)) return undefined
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const group = /^Tgid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    const [state = '', ...more] = stat.slice(stat.lastIndexOf(')') + 2).split(' ') // the name may contain anything
    const began = more[18] // the 22nd field of all
    if (group === undefined || began === undefined) return undefined
    return { isProcess: group === String(pid) && state !== 'Z' && state !== 'X', began }
  } catch {
    return undefined
  }
}
