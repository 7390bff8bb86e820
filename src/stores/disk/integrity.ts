/**
 * Is the file as it was left? One that was closed properly has a mark beside it, which describes it; any other is
 * checked before it is opened, and moved aside if it is damaged.
 */
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HerdgateError } from '../../errors.ts'
import type { Clock } from '../../model.ts'
import { checkFile } from './checks.ts'
import { lockOf } from './file-on-disk.ts'
import { leftOpenBy, othersIn } from './users.ts'

/** Written when the last process has closed the file: what the file was like then. */
const CLOSED_MARK = 'closed'

/**
 * LMDB trusts its file: a corrupted page crashes the process. So a file that is not as it was left is first read
 * through by a process of its own, which may crash.
 * @throws HerdgateError `internal` while that is under way, or when it could not be done: then nothing is known of the
 * file
 */
export function isSound(folder: string, path: string, clock: Clock, waitMs: number): boolean {
  if (!existsSync(path)) return true
  if (isMarkedClosed(folder, path) && leftOpenBy(folder).length === 0) return true
  const result = checkFile(path, clock, waitMs)
  if (result === undefined) throw new HerdgateError('internal', `${path} was not closed and is being checked`)
  if (typeof result === 'object') {
    throw new HerdgateError('internal', `${path} was not closed and could not be checked: ${result.unknown}`)
  }
  return result === 'sound'
}

/** One that has been opened since may bear the mark as well: nothing need have been written to it. */
function isMarkedClosed(folder: string, path: string): boolean {
  const mark = join(folder, CLOSED_MARK)
  return existsSync(mark) && readFileSync(mark, 'utf8') === closedMarkOf(path)
}

/** The last process has closed the file, and all of it is written. */
export function writeClosedMark(folder: string, path: string): void {
  writeFileSync(join(folder, CLOSED_MARK), closedMarkOf(path))
}

/** The file counts as one that was not closed properly. */
export function removeClosedMark(folder: string): void {
  rmSync(join(folder, CLOSED_MARK), { force: true })
}

function closedMarkOf(path: string): string {
  const { size, mtimeNs, ino } = statSync(path, { bigint: true })
  return `${size} ${mtimeNs} ${ino}`
}

/**
 * @throws HerdgateError `internal` when other processes have it open: they would go on with another file, and another
 * log
 */
export function moveAside(folder: string, path: string): string {
  const others = othersIn(folder)
  if (others.length > 0) {
    throw new HerdgateError('internal', `${path} is damaged and in use by process ${others.join(', ')}`)
  }
  const damaged = `${path}.damaged`
  rmSync(lockOf(path), { force: true }) // first: it would be that of a file which another process begins meanwhile
  renameSync(path, damaged) // replaces the one before: there is never more than one
  return damaged
}
