import { messageOf } from '../../errors.ts'
import type { Events } from '../../events.ts'
import type { Clock } from '../../model.ts'
import { shown } from '../../given.ts'
import { type DiskFile, openDiskFile } from './file.ts'

/** How long a file that failed is left alone. */
const SUSPENDED_MS = 10_000
/** How often the file is checked: whoever has it open does not notice that it was removed or cut short. */
const INSPECT_EVERY_MS = 1_000
/** How long a serving process may block to check a file that another has just created in place of a removed one. */
const CHECK_NEW_MS = 1_000

/** Access to a file that may fail: it is then left alone for a while, with an event, and tried again. */
export class DiskAccess {
  readonly #path: string
  readonly #clock: Clock
  readonly #events: Events | undefined
  readonly #removed: (file: DiskFile) => void
  #file: DiskFile | undefined
  #nextInspectionAt = -Infinity
  #replacedAt = -Infinity
  #wasDoubtful = false
  #suspendedUntil: number | undefined
  #isClosed = false

  /**
   * @param removed called with a file that is no longer where it was, before it is closed
   * @throws RangeError when `path` is not a string, is blank, or has a NUL in it
   */
  constructor(path: string, clock: Clock, events: Events | undefined, removed: (file: DiskFile) => void = () => {}) {
    if (typeof path !== 'string' || path.trim() === '' || path.includes('\0')) {
      throw new RangeError(`expected the path of a folder, got ${shown(path)}`)
    }
    this.#path = path
    this.#clock = clock
    this.#events = events
    this.#removed = removed
    this.read(() => undefined) // a file that cannot be opened is reported at the start
  }

  get degraded(): boolean {
    return this.#isClosed || (this.#suspendedUntil !== undefined && this.#clock.now() < this.#suspendedUntil)
  }

  /** What `run` returns, at once; `unknown` when the file cannot be used. Never throws. */
  read<T>(run: (file: DiskFile) => T): T | 'unknown' {
    if (this.degraded) return 'unknown'
    try {
      return run(this.#opened())
    } catch (error) {
      this.suspend(error)
      return 'unknown'
    }
  }

  /** What `run` returned, once it is durable and every process can see it. Rejects when it could not be written. */
  async write<T>(run: (file: DiskFile) => T): Promise<T> {
    this.#releaseIfLost() // others must find what is written
    const file = this.#opened()
    return file.write(() => run(file))
  }

  /** Settles when every other process sees what has been written: at once, unless the file was just replaced. */
  async seenByAll(): Promise<void> {
    const remainingMs = this.#replacedAt + INSPECT_EVERY_MS - this.#clock.now()
    if (remainingMs > 0) await new Promise<void>((resolve) => void this.#clock.after(remainingMs, resolve))
  }

  /** Leaves the file alone for a while, and reports why. */
  suspend(error: unknown): void {
    if (this.degraded) return
    this.#suspendedUntil = this.#clock.now() + SUSPENDED_MS
    this.#report('degraded', messageOf(error))
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#file?.close()
  }

  #opened(): DiskFile {
    if (this.degraded) throw new Error('out of order at present')
    if (this.#clock.now() >= this.#nextInspectionAt || this.#file?.doubtReason !== undefined) this.#releaseIfLost()
    const file = this.#file ?? this.#open()
    if (this.#suspendedUntil !== undefined) this.#report('working', 'tried again')
    this.#suspendedUntil = undefined
    this.#wasDoubtful = false
    return file
  }

  #open(): DiskFile {
    const file = openDiskFile(this.#path, this.#clock, this.#mayWaitMs())
    this.#file = file
    const { movedTo } = file
    if (movedTo !== undefined) this.#report('emptied', `the file was damaged and is now ${movedTo}`)
    return file
  }

  /** At the start no request waits for this process yet; later all of them do. */
  #mayWaitMs(): number {
    if (this.#suspendedUntil !== undefined || this.#wasDoubtful) return 0
    return this.#replacedAt === -Infinity ? Infinity : CHECK_NEW_MS
  }

  #releaseIfLost(): void {
    this.#nextInspectionAt = this.#clock.now() + INSPECT_EVERY_MS
    const former = this.#file
    const state = former?.inspect() ?? 'in place'
    if (former === undefined || state === 'in place') return
    this.#file = undefined
    if (state === 'removed') this.#replaced(former)
    else this.#doubted(former)
    void former.close().catch(() => {}) // nothing in it is needed any more
  }

  #replaced(former: DiskFile): void {
    this.#report('emptied', 'the file was removed')
    this.#replacedAt = this.#clock.now()
    try {
      this.#removed(former)
    } catch {
      // What cannot be read from it is lost.
    }
  }

  /** It is checked in the background, and then used again or moved aside. */
  #doubted({ doubtReason = '' }: DiskFile): void {
    this.#report('degraded', doubtReason)
    this.#wasDoubtful = true
  }

  #report(state: 'working' | 'degraded' | 'emptied', why: string): void {
    this.#events?.emit('tier', { tier: 'disk', state, why: `${this.#path}: ${why}` })
  }
}
