/**
 * One LMDB environment in a folder: opened by its first user in a process, closed by the last, and shared with other
 * processes of the host. A damaged file is moved aside and begun anew.
 */
import { closeSync, existsSync, openSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { devNull } from 'node:os'
import { join, resolve } from 'node:path'
import type { Database, RootDatabase } from 'lmdb'
import { systemClock } from '../../clock.ts'
import { HerdgateError } from '../../errors.ts'
import type { Clock } from '../../model.ts'
import { forgetCheck, isAsChecked } from './checks.ts'
import { FileOnDisk, type FileState, lockOf } from './file-on-disk.ts'
import { mustHaveRoom, writeFailure } from './full-disk.ts'
import { isSound, moveAside, removeClosedMark, writeClosedMark } from './integrity.ts'
import { beginLog } from './log-tables.ts'
import { makeFolder } from './make-folder.ts'
import { exclusively } from './mutual-exclusion.ts'
import { addUser, forgetEnded, isNamed, leftOpenBy, removeUser, USERS } from './users.ts'

export type Table = Database<Uint8Array, Uint8Array>

export interface DiskFile {
  readonly tables: Tables
  /** Size of the file in bytes. */
  readonly size: number
  /** Looks at what is in the folder now, and remembers what it saw. */
  inspect(): FileState
  /** Why it must not be read any more, as reported or as seen at the last `inspect`. */
  readonly doubtReason: string | undefined
  /** Where a damaged predecessor of this file was moved when it was opened. */
  readonly movedTo: string | undefined
  /** The next read sees all that is committed by now, by any process; it may otherwise be a millisecond behind. */
  refresh(): void
  /** Frees the pages that processes were reading when they ended: as long as these count as read, the file grows. */
  freeUnread(): void
  /**
   * Runs while nobody else writes, in this process or another; its writes are applied as a whole or not at all. Settles
   * when they can be seen, which is not before they would outlive a loss of power; rejects when they could not be
   * written.
   */
  write<T>(run: () => T): Promise<T>
  /** Closes the file for this user. Settles when everything is written. */
  close(): Promise<void>
}

/** `state` holds single numbers and texts; `targets` and `records` are the log's, the others the store's. */
const TABLES = ['state', 'entries', 'index', 'order', 'targets', 'records'] as const
type TableName = (typeof TABLES)[number]
export type Tables = { readonly [Name in TableName]: Table }

/** The name changes with the layout of the tables: another version's file is left alone. */
const FILE = 'herdgate-1.mdb'
const OPTIONS = { encoding: 'binary', keyEncoding: 'binary', cache: false } as const
const ENVIRONMENT = {
  maxDbs: TABLES.length + 1,
  overlappingSync: false, // what is seen is durable, and a failed commit leaves nothing waiting for ever
  eventTurnBatching: false, // with it a failed commit is an unhandled rejection, which ends the process
  ...OPTIONS,
} as const

/** How long the process may block, at least and at most, while others open the file: that takes them milliseconds. */
const MIN_TURN_MS = 100
const MAX_TURN_MS = 2_000

/** How many LMDB opens: the file, the file for durable writes, and its lock. */
const DESCRIPTORS = 3

/** What all users of the file in this process share. */
interface Shared {
  readonly env: RootDatabase<Uint8Array, Uint8Array>
  readonly tables: Tables
  readonly movedTo: string | undefined
  readonly onDisk: FileOnDisk
  users: number
}

const openFiles = new Map<string, Shared>()

/**
 * @param waitMs how long the process may block while a file that was not closed properly is checked. With 0 it is
 * checked in the background, and can be opened later.
 * @throws whatever prevents opening or creating it
 */
export function openDiskFile(folder: string, clock: Clock = systemClock, waitMs = Infinity): DiskFile {
  const path = join(resolve(folder), FILE)
  const shared = openedBefore(path) ?? openShared(resolve(folder), path, clock, waitMs)
  openFiles.set(path, shared)
  shared.users += 1
  const { env, tables, movedTo, onDisk } = shared
  let closed = false
  return {
    tables,
    movedTo,
    get size() {
      return onDisk.size
    },
    get doubtReason() {
      return onDisk.doubtReason
    },
    inspect: () => onDisk.inspect(),
    refresh: () => env.resetReadTxn(),
    freeUnread: () => void env.readerCheck(),
    async write(run) {
      try {
        return await env.childTransaction(run)
      } catch (error) {
        throw writeFailure(await causeOf(error), folder)
      }
    },
    async close() {
      if (closed) return
      closed = true
      shared.users -= 1
      if (shared.users > 0) return
      if (openFiles.get(path) === shared) openFiles.delete(path)
      await closeShared(shared, resolve(folder), path)
    },
  }
}

/** A process that reads the same files has crashed, perhaps because of one: they are checked before further use. */
export function doubtOpenFiles(): void {
  for (const shared of openFiles.values()) shared.onDisk.doubt('a process that reads it has crashed')
}

/**
 * What other users of this process have open, if that is still the file in the folder.
 * @throws HerdgateError `internal` while it is doubtful: lmdb-js would only return the environment that they have yet
 * to release, with the lock file that it has
 */
function openedBefore(path: string): Shared | undefined {
  const shared = openFiles.get(path)
  const state = shared?.onDisk.inspect()
  if (state === 'doubtful') throw new HerdgateError('internal', `${path} has yet to be closed, as it is in doubt`)
  return state === 'in place' ? shared : undefined
}

function openShared(folder: string, path: string, clock: Clock, waitMs: number): Shared {
  makeFolder(join(folder, USERS))
  const opened = openIfAsJudged(folder, path, clock, waitMs) ?? openIfAsJudged(folder, path, clock, waitMs)
  if (opened === undefined) throw new HerdgateError('internal', `${path} changed while it was checked`)
  const tables = openTables(opened.env)
  opened.env.transactionSync(() => beginLog(tables, birthOf(path)))
  forgetCheck(path)
  return { ...opened, tables, users: 0 }
}

/**
 * One process at a time moves a file aside or opens it, which creates its lock: two would each remove the other's lock
 * or file.
 * @returns undefined when the file, found damaged, is no longer as it was then
 */
function openIfAsJudged(
  folder: string,
  path: string,
  clock: Clock,
  waitMs: number,
): Pick<Shared, 'env' | 'movedTo' | 'onDisk'> | undefined {
  const sound = isSound(folder, path, clock, waitMs)
  const lmdb: typeof import('lmdb') = createRequire(import.meta.url)('lmdb') // loaded only for a disk tier
  return exclusively(folder, Math.min(Math.max(waitMs, MIN_TURN_MS), MAX_TURN_MS), () => {
    if (!sound && !isAsChecked(path)) return undefined
    const movedTo = sound ? undefined : moveAside(folder, path)
    if (!existsSync(path)) forgetEnded(folder, leftOpenBy(folder)) // what they had open is gone
    if (!existsSync(path) || !existsSync(lockOf(path))) mustHaveRoom(folder)
    mustHaveDescriptors()
    addUser(folder)
    const env = lmdb.open<Uint8Array, Uint8Array>({ path, ...ENVIRONMENT })
    return { env, movedTo, onDisk: new FileOnDisk(path) }
  })
}

/**
 * lmdb-js frees memory twice, which ends the process, when LMDB can open some of the descriptors it needs, but not all.
 */
function mustHaveDescriptors(): void {
  const descriptors: number[] = []
  try {
    while (descriptors.length < DESCRIPTORS) descriptors.push(openSync(devNull, 'r'))
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor)
  }
}

function openTables(env: RootDatabase<Uint8Array, Uint8Array>): Tables {
  const table = (name: TableName): Table => env.openDB<Uint8Array, Uint8Array>(name, OPTIONS)
  return {
    state: table('state'),
    entries: table('entries'),
    index: table('index'),
    order: table('order'),
    targets: table('targets'),
    records: table('records'),
  }
}

async function closeShared({ env, onDisk }: Shared, folder: string, path: string): Promise<void> {
  const state = onDisk.inspect()
  if (state === 'doubtful') removeClosedMark(folder) // it is checked before it is opened again
  await env.close() // touches no page of it
  if (state === 'removed' || openFiles.has(path)) return // or it has been opened again in this process
  removeUser(folder)
  if (state === 'doubtful' || isNamed(folder)) return // the last to close it marks it, unless one ended before
  writeClosedMark(folder, path)
}

/** A failed commit gives its reason in a promise of its own, which nobody else handles. */
async function causeOf(error: unknown): Promise<unknown> {
  const commitError =
    typeof error === 'object' && error !== null && 'commitError' in error ? error.commitError : undefined
  try {
    await commitError
  } catch (cause) {
    return cause
  }
  return error
}

/** Another for a file that was copied back, but not for one that was overwritten in place. */
function birthOf(path: string): string {
  const { ino, birthtimeNs } = statSync(path, { bigint: true })
  return `${ino} ${birthtimeNs}`
}
