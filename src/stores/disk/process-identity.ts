/**
 * Tells a running process from an earlier one with its PID, which is soon reused when that was killed, above all in a
 * container, where PIDs are small.
 */
import { readFileSync, readlinkSync } from 'node:fs'

/** When a process began; `''` where this one cannot tell. */
export const beginningOf = (pid: number): string => processOf(pid)?.began ?? ''

/** @param began when it began, as far as that is known */
export function isRunning(pid: number, began: string): boolean {
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
