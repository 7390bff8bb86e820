import { systemClock } from '../../clock.ts'
import { HerdgateError, messageOf } from '../../errors.ts'
import type { Events } from '../../events.ts'
import type {
  Clock,
  InvalidationLog,
  InvalidationMode,
  LogNode,
  Receipt,
  Selectors,
  Stamp,
  Verdict,
} from '../../model.ts'
import { DiskAccess } from './access.ts'
import type { DiskFile } from './file.ts'
import { appendRecord, generationOf, headOf, marksIn, recordsBetween } from './log-tables.ts'
import { checkNames, type Names } from '../../given.ts'
import { count } from '../../units.ts'
import { FormerGenerations } from '../log/former.ts'
import { loggedWithin } from '../log/logged-within.ts'
import { Marks, MAX_TARGETS, targetsOf } from '../log/marks.ts'
import { everything, OVERFLOW, Pending, type PendingRecord, worse } from '../log/pending.ts'

export interface DiskLogOptions {
  /** The folder of the disk store; created when missing. Processes of one host that use the same one share the log. */
  readonly path: string
  /**
   * Distinct tags, URLs and prefixes remembered, 100,000 by default. Beyond that the oldest are forgotten, and entries
   * older than their records count as named by them.
   */
  readonly maxTargets?: number | undefined
  readonly events?: Events | undefined
  readonly clock?: Clock | undefined
}

const OPTIONS: Names<DiskLogOptions> = { path: true, maxTargets: true, events: true, clock: true }

/**
 * The invalidation log of all processes of one host that share a folder; its records outlive them.
 *
 * A record is acknowledged when it is durable and every process sees it: each verdict first asks the file for the log's
 * position, which takes about a microsecond and no system call, and reads what is new. So a process can at no moment
 * answer from an older state. While the file cannot be read, everything counts as stale.
 * @throws RangeError when `path` is not valid, or `maxTargets` is not a whole number above 0; TypeError for an unknown
 * option
 */
export function diskLog(options: DiskLogOptions): InvalidationLog {
  checkNames(options, OPTIONS, 'diskLog')
  return new DiskLog(options)
}

/** How long a disk that accepts no record is left alone, in ms. */
const RETRY_MS = 10_000
const MAX_FAILED = 10_000
/** How many records may be on their way to the disk: further ones are tried again later, as the disk may stall. */
const MAX_WRITING = 10_000
/** Targets per record: the process does nothing else while they are written. */
const TARGETS_PER_RECORD = 5_000
/**
 * How long an append waits for the disk, for each of its records, even if the caller would wait for less: other
 * processes of the host learn of a record only when it is written, and a client has to be able to read what it wrote.
 * While the disk is known to stall, it waits no longer than the caller says.
 */
const LOGGED_WITHIN_MS = 1_000

class DiskLog implements InvalidationLog {
  readonly started = Promise.resolve()
  readonly #access: DiskAccess
  readonly #maxTargets: number
  readonly #clock: Clock
  readonly #events: Events | undefined
  readonly #pending: Pending
  /** The pending records that could not be written. */
  readonly #failed = new Set<PendingRecord>()
  /** How many targets these name. */
  #failedTargets = 0
  /** How many are on their way to the disk. */
  #writing = 0
  /** The last record was not logged in time. */
  #isStalled = false
  #isClosed = false
  #cancelRetry: (() => void) | undefined
  #marks: Marks
  #position = 0
  /** How often something was read from the log. */
  #readings = 0
  /** That of the file; until that could be opened, one that no later entry has. */
  #generation: string = crypto.randomUUID()
  /** The file that the log is read from. */
  #file: DiskFile | undefined
  /** What the log named in earlier files, which were removed. */
  readonly #former = new FormerGenerations()

  constructor({ path, maxTargets = MAX_TARGETS, events, clock = systemClock }: DiskLogOptions) {
    this.#maxTargets = count('maxTargets', maxTargets)
    this.#access = new DiskAccess(path, clock, events, (file) => this.#readLast(file))
    this.#clock = clock
    this.#events = events
    this.#pending = new Pending(maxTargets)
    this.#marks = new Marks(maxTargets)
    this.#readLog()
  }

  get generation(): string {
    if (this.#file === undefined) this.#readLog()
    return this.#generation
  }

  get position(): number {
    this.#readLog()
    return this.#position
  }

  get changes(): number {
    this.#readLog()
    return this.#readings + this.#pending.added
  }

  get synced(): boolean {
    return this.#readLog()
  }

  /** @param waitMs for the record to be durable: the disk may stall, or another process keep it locked */
  async append(mode: InvalidationMode, selectors: Selectors, waitMs = LOGGED_WITHIN_MS): Promise<Receipt> {
    const record: PendingRecord = { mode, targets: targetsOf(selectors), at: this.#clock.now() }
    this.#pending.add(record)
    const position = await this.#loggedWithin(this.#isStalled ? waitMs : durableWithin(waitMs, record), record)
    await this.#access.seenByAll()
    return { id: `${this.#generation}-${position}`, position, nodes: { expected: 1, acked: 1 } }
  }

  async #loggedWithin(ms: number, record: PendingRecord): Promise<number> {
    try {
      return await loggedWithin(ms, this.#log(record), this.#clock)
    } catch (error) {
      this.#isStalled = true
      throw error
    }
  }

  async #log(record: PendingRecord): Promise<number> {
    try {
      return await this.#write(record)
    } catch (error) {
      // It was requested all the same: it counts in this process, and is tried again.
      this.#failed.add(record)
      this.#failedTargets += record.targets.length
      if (this.#failed.size > MAX_FAILED || this.#failedTargets > this.#maxTargets) this.#replaceFailed(record.at)
      this.#retryLater()
      throw new HerdgateError('not_logged', `not logged: ${messageOf(error)}`, { cause: error })
    }
  }

  /** Too many records are waiting to be written: one that names everything replaces them. */
  #replaceFailed(at: number): void {
    this.#events?.emit('log', OVERFLOW)
    const all = everything(at)
    this.#pending.add(all)
    for (const record of this.#failed) this.#pending.remove(record)
    this.#failed.clear()
    this.#failed.add(all)
    this.#failedTargets = all.targets.length
  }

  async #write(record: PendingRecord): Promise<number> {
    this.#mustRead()
    if (this.#writing >= MAX_WRITING) throw new HerdgateError('overloaded', 'too many records wait for the disk')
    const { mode, targets } = record
    this.#writing++
    try {
      let position = 0
      for (const some of inParts(targets)) {
        position = await this.#access.write((file) => appendRecord(file, mode, some, this.#maxTargets))
        if (!this.#isClosed) this.#mustRead() // so that it is known here, whatever becomes of the file
      }
      this.#isStalled = false
      this.#pending.remove(record)
      return position
    } finally {
      this.#writing--
    }
  }

  #mustRead(): void {
    if (!this.#readLog()) throw new HerdgateError('internal', 'the invalidation log on disk cannot be read')
  }

  #retryLater(): void {
    if (this.#isClosed) return
    this.#cancelRetry ??= this.#clock.after(RETRY_MS, () => {
      this.#cancelRetry = undefined
      void this.#retry()
    })
  }

  async #retry(): Promise<void> {
    try {
      for (const record of this.#failed) {
        await this.#write(record)
        if (this.#failed.delete(record)) this.#failedTargets -= record.targets.length
      }
    } catch {
      this.#retryLater()
    }
  }

  verdict(stamp: Stamp): Verdict {
    return worse(this.#pending.verdict(stamp), this.#verdictOfFile(stamp))
  }

  #verdictOfFile(stamp: Stamp): Verdict {
    const synced = this.#readLog()
    if (stamp.generation !== this.#generation) return this.#former.verdictOn(stamp, this.#marks)
    if (stamp.position > this.#position) return 'stale'
    const verdict = stamp.checked === this.#position ? 'valid' : this.#marks.judge(stamp, this.#position)
    return verdict === 'valid' && !synced ? 'stale' : verdict
  }

  holds({ generation }: Stamp): boolean {
    return generation === this.generation
  }

  nodes(): readonly LogNode[] {
    return [{ id: String(process.pid), position: this.position }]
  }

  close(): Promise<void> {
    this.#isClosed = true
    this.#cancelRetry?.()
    return this.#access.close()
  }

  /** Reads what has been appended since, by any process. @returns whether that was possible */
  #readLog(): boolean {
    const isRead = this.#access.read((file) => {
      file.refresh()
      const head = headOf(file)
      if (file !== this.#file) this.#begin(file, head)
      else if (head !== this.#position) this.#catchUp(file, head)
      return true
    })
    return isRead === true
  }

  /** What others have appended to a file that was removed still counts. */
  #readLast(file: DiskFile): void {
    if (file !== this.#file) return
    file.refresh()
    const head = headOf(file)
    if (head !== this.#position) this.#catchUp(file, head)
  }

  #begin(file: DiskFile, head: number): void {
    const generation = generationOf(file)
    if (generation !== this.#generation) this.#former.remember(this.#generation, this.#marks)
    this.#generation = generation
    this.#marks = marksIn(file, head, this.#maxTargets)
    this.#position = head
    this.#readings++
    this.#file = file
  }

  #catchUp(file: DiskFile, head: number): void {
    const records = recordsBetween(file, this.#position, head)
    if (records === undefined) this.#marks = marksIn(file, head, this.#maxTargets)
    for (const { mode, targets, position } of records ?? []) this.#marks.name(targets, mode, position)
    this.#position = head
    this.#readings++
  }
}

const durableWithin = (waitMs: number, { targets }: PendingRecord): number =>
  Math.max(waitMs, LOGGED_WITHIN_MS * partsOf(targets))

const partsOf = (targets: readonly string[]): number => Math.max(1, Math.ceil(targets.length / TARGETS_PER_RECORD))

/** At least one part, which may be empty. */
function inParts(targets: readonly string[]): readonly (readonly string[])[] {
  if (targets.length <= TARGETS_PER_RECORD) return [targets]
  return Array.from({ length: partsOf(targets) }, (_, at) =>
    targets.slice(at * TARGETS_PER_RECORD, (at + 1) * TARGETS_PER_RECORD),
  )
}
