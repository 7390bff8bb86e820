import type { Events } from '../../events.ts'
import type { Clock } from '../../model.ts'
import { shown } from '../../given.ts'
import { type DiskFile, openDiskFile } from './file.ts'

/** How long a file that failed is left alone. */
const REST_MS = 10_000
/** How often it is looked what became of the file: one that was removed, or cut short, goes on for those who have it open. */
const LOOK_EVERY_MS = 1_000
/** How long a process that serves may stand still to check a file that another has just begun in the place of one removed. */
const CHECK_NEW_MS = 1_000

export interface DiskAccess {
  readonly degraded: boolean
  /** What `run` returns, at once; `unknown` when the file cannot be used. Never throws. */
  read<T>(run: (file: DiskFile) => T): T | 'unknown'
  /** What `run` returned, when that is durable and everybody can see it. Rejects when it could not be written. */
  write<T>(run: (file: DiskFile) => T): Promise<T>
  /** Settles when every other process sees what has been written here: at once, unless the file has just been replaced. */
  seenByAll(): Promise<void>
  /** Leaves the file alone for a while, and tells why. */
  rest(error: unknown): void
  close(): Promise<void>
}

/**
 * A file that may fail: then it is left alone for a while, with an event, and tried again.
 * @param removed called with a file that is no longer where it was, before it is let go
 * @throws RangeError for a path that leads to no folder of its own
 */
export function diskAccess(
  path: string,
  clock: Clock,
  events: Events | undefined,
  removed: (file: DiskFile) => void = () => {},
): DiskAccess {
  if (typeof path !== 'string' || path.trim() === '' || path.includes('\0')) {
    throw new RangeError(`expected the path of a folder, got ${shown(path)}`)
  }
  let file: DiskFile | undefined
  let looksAt = -Infinity
  let replacedAt = -Infinity
  let wasDoubtful = false
  let restsUntil: number | undefined
  let closed = false

  const isResting = (): boolean => closed || (restsUntil !== undefined && clock.now() < restsUntil)

  const opened = (): DiskFile => {
    if (isResting()) throw new Error('out of order at present')
    if (clock.now() >= looksAt || file?.whyDoubtful !== undefined) letGoIfLost()
    if (file === undefined) {
      file = openDiskFile(path, clock, mayWaitMs())
      const { movedTo } = file
      if (movedTo !== undefined) tell('emptied', `the file was damaged and is now ${movedTo}`)
    }
    if (restsUntil !== undefined) tell('working', 'tried again')
    restsUntil = undefined
    wasDoubtful = false
    return file
  }

  /** At the start nobody waits for this process as yet; later everybody does. */
  const mayWaitMs = (): number => {
    if (restsUntil !== undefined || wasDoubtful) return 0
    return replacedAt === -Infinity ? Infinity : CHECK_NEW_MS
  }

  const letGoIfLost = (): void => {
    looksAt = clock.now() + LOOK_EVERY_MS
    const former = file
    const state = former?.look() ?? 'in place'
    if (former === undefined || state === 'in place') return
    file = undefined
    if (state === 'removed') replaced(former)
    else doubted(former)
    void former.close().catch(() => {}) // nothing of it is of use to anybody
  }

  const replaced = (former: DiskFile): void => {
    tell('emptied', 'the file was removed')
    replacedAt = clock.now()
    try {
      removed(former)
    } catch {
      // What cannot be read of it is lost.
    }
  }

  /** It is checked beside the process, and then it is the one to go on with, or put aside. */
  const doubted = ({ whyDoubtful = '' }: DiskFile): void => {
    tell('degraded', whyDoubtful)
    wasDoubtful = true
  }

  const rest = (error: unknown): void => {
    if (isResting()) return
    restsUntil = clock.now() + REST_MS
    tell('degraded', error instanceof Error ? error.message : String(error))
  }

  const tell = (state: 'working' | 'degraded' | 'emptied', why: string): void =>
    events?.emit('tier', { tier: 'disk', state, why: `${path}: ${why}` })

  const access: DiskAccess = {
    get degraded() {
      return isResting()
    },
    read(run) {
      if (isResting()) return 'unknown'
      try {
        return run(opened())
      } catch (error) {
        rest(error)
        return 'unknown'
      }
    },
    async write(run) {
      letGoIfLost() // what is written is to be there for others
      const using = opened()
      return using.write(() => run(using))
    },
    async seenByAll() {
      const lookedMs = replacedAt + LOOK_EVERY_MS - clock.now()
      if (lookedMs > 0) await new Promise<void>((resolve) => void clock.after(lookedMs, resolve))
    },
    rest,
    async close() {
      if (closed) return
      closed = true
      await file?.close()
    },
  }
  access.read(() => undefined) // a file that cannot be opened is told at the start
  return access
}
