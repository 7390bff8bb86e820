import { HerdgateError, messageOf } from '../../../errors.ts'
import type { Events } from '../../../events.ts'
import type { Clock, InvalidationMode, Receipt, Selectors, Stamp, Verdict } from '../../../model.ts'
import type { Generations } from '../../log/generations.ts'
import { Journal, type JournalEntry } from '../../log/journal.ts'
import type { LiveNodes, Logged } from '../../log/live-nodes.ts'
import { loggedWithin } from '../../log/logged-within.ts'
import { targetsOf } from '../../log/marks.ts'
import { everything, OVERFLOW, Pending, type PendingRecord } from '../../log/pending.ts'
import type { Closing } from './closing.ts'
import type { RedisLogCalls } from './log-calls.ts'
import type { NewestRecord } from './newest-record.ts'
import type { SyncState } from './sync-state.ts'

export interface AppendsParts {
  readonly calls: Pick<RedisLogCalls, 'append' | 'replicate'>
  readonly nodes: LiveNodes
  readonly log: Pick<Generations, 'generation' | 'position' | 'holds'>
  readonly newest: NewestRecord
  readonly syncState: Pick<SyncState, 'synced'>
  readonly clock: Clock
  readonly events: Events | undefined
  readonly closing: Closing
  /** For how long logging a record is tried, in ms. */
  readonly appendTimeout: number
  /** How many targets of records that could not be logged are remembered. */
  readonly maxTargets: number
  /** The log is not the one that is read here. */
  readonly outOfStep: () => void
}

const RETRY_MS = 50
/** Records that are logged again at the same time: one after the other, thousands would take as many round trips. */
const AT_ONCE = 100
/** Targets per record: Redis does nothing else while it adds them, and a call may take a second. */
export const TARGETS_PER_RECORD = 10_000

/** Appends this process's records to the log, and watches whether they stay there and are followed. */
export class Appends {
  readonly #parts: AppendsParts
  readonly #journal: Journal
  readonly #pending: Pending<JournalEntry>
  /** Check whether a record is followed, for those who wait for that. */
  readonly #checks = new Map<JournalEntry, () => void>()
  #isLoggingAgain = false

  constructor(parts: AppendsParts) {
    this.#parts = parts
    this.#journal = new Journal(parts.clock)
    this.#pending = new Pending(parts.maxTargets)
  }

  /**
   * @param waitMs for the record to be logged and for the other nodes to follow, counted from the call
   * @throws HerdgateError `not_logged`; the record counts in this process all the same, and is tried again
   */
  async append(mode: InvalidationMode, selectors: Selectors, waitMs: number): Promise<Receipt> {
    const { calls, clock } = this.#parts
    const calledAt = clock.now()
    const entry = newEntry({ mode, targets: targetsOf(selectors), at: calledAt })
    this.#remember(entry)
    const { position } = await loggedWithin(waitMs, this.#logInTime(entry), clock)
    await calls.replicate()
    const nodes = await this.#awaitFollowers(entry, calledAt + waitMs)
    return { id: entry.nonce, position: entry.where?.position ?? position, nodes }
  }

  /** From now on the record counts in this process, and is logged sooner or later. */
  #remember(entry: JournalEntry): void {
    this.#pending.add(entry)
    const dropped = this.#journal.add(entry)
    if (dropped.some(({ loggedAt }) => loggedAt === undefined)) this.#rememberAll(entry.at)
    for (const old of dropped) this.#pending.remove(old)
  }

  /** Too many records are waiting to be logged: one that names everything replaces them. */
  #rememberAll(at: number): void {
    this.#parts.events?.emit('log', OVERFLOW)
    this.#remember(newEntry(everything(at)))
  }

  /** How many of this process's records have come to count here before they were read from the log. */
  get changes(): number {
    return this.#pending.added
  }

  /** Does a record of this process that has not been read from the log yet name something fetched before it? */
  verdict(stamp: Stamp): Verdict {
    return this.#pending.verdict(stamp)
  }

  /** More of the log has been read. */
  hasRead(): void {
    for (const entry of this.#pending.records) this.#forgetIfRead(entry)
  }

  #forgetIfRead(entry: JournalEntry): void {
    const { generation, position } = this.#parts.log
    const { where } = entry
    if (where?.generation === generation && where.position <= position) this.#pending.remove(entry)
  }

  /** The log is of another generation now. */
  generationChanged(): void {
    this.#journal.generationChanged(this.#parts.log)
  }

  /** Logs this process's records that the log lost or never had. If it accepts none, it waits for the next beat. */
  async logAgain(): Promise<void> {
    if (this.#isLoggingAgain) return
    this.#isLoggingAgain = true
    try {
      const unlogged = this.#journal.unlogged()
      let count = 1 // one first, to see whether it works
      for (let at = 0; at < unlogged.length && !this.#parts.closing.isBegun; at += count, count = AT_ONCE) {
        if (!(await this.#logSome(unlogged.slice(at, at + count)))) break
      }
    } finally {
      this.#isLoggingAgain = false
    }
  }

  /** @returns whether any could be logged; one that could not is tried after the others from now on, to hold up none */
  async #logSome(entries: readonly JournalEntry[]): Promise<boolean> {
    const some = entries.filter(({ where }) => where === undefined)
    const attempts = await Promise.allSettled(some.map((entry) => this.#logOnce(entry)))
    const failed = some.filter((_, at) => attempts[at]?.status === 'rejected')
    for (const entry of failed) entry.failures++
    return failed.length < some.length || some.length === 0
  }

  async #logInTime(entry: JournalEntry): Promise<{ position: number }> {
    const { clock, closing, appendTimeout } = this.#parts
    const until = entry.at + appendTimeout
    for (;;) {
      try {
        return await this.#logOnce(entry)
      } catch (error) {
        if (closing.isBegun || clock.now() >= until) {
          throw new HerdgateError('not_logged', `not logged: ${messageOf(error)}`, { cause: error })
        }
      }
      await closing.sleep(RETRY_MS)
    }
  }

  /** May be repeated: the log recognises the nonces. */
  async #logOnce(entry: JournalEntry): Promise<{ position: number }> {
    const [first, ...more] = recordsOf(entry)
    let where = await this.#logRecord(first)
    for (const record of more) {
      const { generation, position } = where
      const next = await this.#logRecord(record)
      if (next.generation !== generation) throw new Error('the log was restarted, perhaps without the earlier records')
      where = { ...next, position: Math.max(position, next.position) } // what was logged before keeps its position
    }
    entry.where = where
    entry.loggedAt ??= where.at
    this.#forgetIfRead(entry)
    this.#checks.get(entry)?.()
    return where
  }

  async #logRecord(record: NamedRecord): Promise<Logged> {
    const { calls, nodes: live, log, newest, syncState, clock, outOfStep } = this.#parts
    const askedAt = clock.now()
    const generationBefore = log.generation
    const { head, nodes, position } = await calls.append(newest.known, record)
    const { generation } = head
    const isFollowed = generation === log.generation
    // It is in a log that is no longer followed, and `generationChanged` has been called: nobody would log it again.
    if (log.generation !== generationBefore && log.generation !== generation)
      throw new Error('the log was restarted meanwhile')
    // Even with a lease, if the log was restarted: what others have reported since the last list may be lost.
    live.replace({ ...head, nodes }, { askedAt, wasOutOfReach: !syncState.synced || !isFollowed })
    if (isFollowed) newest.logged({ generation, position, nonce: record.nonce })
    else outOfStep()
    return { generation, position, at: clock.now() }
  }

  /** Waits until every live node follows the record, or the time is up. */
  async #awaitFollowers(entry: JournalEntry, until: number): Promise<Receipt['nodes']> {
    const { nodes: live, clock, closing } = this.#parts
    const { promise, resolve } = Promise.withResolvers<Receipt['nodes']>()
    let cancel = () => {}
    const check = () => {
      const now = clock.now()
      const nodes = this.#following(entry)
      if (nodes.acked >= nodes.expected || now >= until || closing.isBegun) return resolve(nodes)
      cancel()
      const silenceMs = entry.where === undefined ? Infinity : live.silenceMs(entry.where) // it looks again once logged
      cancel = clock.after(Math.max(1, Math.min(until - now, silenceMs)), check)
    }
    const unsubscribe = [live.onChange(check), closing.onBegin(check)]
    this.#checks.set(entry, check)
    check()
    try {
      return await promise
    } finally {
      this.#checks.delete(entry)
      for (const off of unsubscribe) off()
      cancel()
    }
  }

  #following({ where }: JournalEntry): Receipt['nodes'] {
    const { nodes } = this.#parts
    return where === undefined ? { expected: nodes.list().length, acked: 0 } : nodes.following(where)
  }
}

const newEntry = (record: PendingRecord): JournalEntry => ({
  ...record,
  nonce: crypto.randomUUID(),
  where: undefined,
  loggedAt: undefined,
  failures: 0,
})

type NamedRecord = Pick<JournalEntry, 'nonce' | 'mode' | 'targets'>

/** Splits an entry into records of at most `TARGETS_PER_RECORD` targets. The last has the nonce of the entry. */
function recordsOf({ nonce, mode, targets }: JournalEntry): [NamedRecord, ...NamedRecord[]] {
  const count = Math.max(1, Math.ceil(targets.length / TARGETS_PER_RECORD))
  const record = (at: number): NamedRecord => ({
    nonce: at === count - 1 ? nonce : `${nonce} ${at}`,
    mode,
    targets: targets.slice(at * TARGETS_PER_RECORD, (at + 1) * TARGETS_PER_RECORD),
  })
  return [record(0), ...Array.from({ length: count - 1 }, (_, at) => record(at + 1))]
}
