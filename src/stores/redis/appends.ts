import { HerdgateError } from '../../errors.ts'
import type { Clock, InvalidationMode, Receipt, Selectors, Stamp, Verdict } from '../../model.ts'
import type { Generations } from '../log/generations.ts'
import { Journal, type JournalEntry } from '../log/journal.ts'
import type { LiveNodes } from '../log/live-nodes.ts'
import { targetsOf } from '../log/marks.ts'
import { everything, Pending, type PendingRecord } from '../log/pending.ts'
import type { Closing } from './closing.ts'
import type { RedisLogCalls } from './log-calls.ts'
import type { NewestRecord } from './newest-record.ts'

export interface AppendsParts {
  readonly calls: Pick<RedisLogCalls, 'append' | 'replicate'>
  readonly nodes: LiveNodes
  readonly log: Pick<Generations, 'generation' | 'position'>
  readonly newest: NewestRecord
  readonly clock: Clock
  readonly closing: Closing
  /** How long it is tried to log a record, in ms. */
  readonly appendTimeout: number
  /** How many targets are remembered of records that could not be logged. */
  readonly maxTargets: number
  /** The log is another than the one that is read here. */
  readonly outOfStep: () => void
}

const RETRY_MS = 50
/** What names more is logged as several records: while Redis takes one, it does nothing else. */
const MOST_TARGETS_EACH = 10_000
/** Records that are logged again at once: one after the other, thousands take many round trips. */
const AT_ONCE = 100

/** What this process appends to the log, and whether it is still there and followed. */
export class Appends {
  readonly #parts: AppendsParts
  readonly #journal: Journal
  readonly #pending: Pending<JournalEntry>
  #isLoggingAgain = false

  constructor(parts: AppendsParts) {
    this.#parts = parts
    this.#journal = new Journal(parts.clock)
    this.#pending = new Pending(parts.maxTargets)
  }

  /**
   * @param waitMs for it to be logged and for the other nodes to follow, from now on
   * @throws HerdgateError `not_logged`; it counts here all the same, and is tried again
   */
  async append(mode: InvalidationMode, selectors: Selectors, waitMs: number): Promise<Receipt> {
    const { calls, clock } = this.#parts
    const calledAt = clock.now()
    const targets = targetsOf(selectors)
    const from = Math.max(0, targets.length - MOST_TARGETS_EACH)
    const earlier = inPieces(targets.slice(0, from)).map((some) => unlogged({ mode, targets: some, at: calledAt }))
    const entry = unlogged({ mode, targets: targets.slice(from), at: calledAt })
    for (const each of [...earlier, entry]) this.#remember(each)
    const { position } = await this.#notLonger(waitMs, this.#logInOrder(earlier, entry))
    await calls.replicate()
    const nodes = await this.#followed(entry, calledAt + waitMs)
    return { id: entry.nonce, position: entry.where?.position ?? position, nodes }
  }

  /** It has been asked for: it counts here from now on, and is logged sooner or later. */
  #remember(entry: JournalEntry): void {
    this.#pending.add(entry)
    const dropped = this.#journal.add(entry)
    if (dropped.some(({ loggedAt }) => loggedAt === undefined)) this.#rememberAll(entry.at)
    for (const old of dropped) this.#pending.remove(old)
  }

  /** Too many are waiting to be logged: one that names everything takes their place. */
  #rememberAll(at: number): void {
    this.#remember(unlogged(everything(at)))
  }

  /** Does a record of ours that has not been read from the log yet name what was fetched before it? */
  verdict(stamp: Stamp): Verdict {
    return this.#pending.verdict(stamp)
  }

  /** The log has been read on. */
  hasRead(): void {
    for (const entry of this.#pending.records) this.#forgetIfRead(entry)
  }

  #forgetIfRead(entry: JournalEntry): void {
    const { generation, position } = this.#parts.log
    const { where } = entry
    if (where?.generation === generation && where.position <= position) this.#pending.remove(entry)
  }

  /** The log is another: nothing of ours is known to be in it. */
  misplaceAll(): void {
    this.#journal.misplaceAll()
  }

  /** What the log lost of ours, or never had. */
  async logAgain(): Promise<void> {
    if (this.#isLoggingAgain) return
    this.#isLoggingAgain = true
    try {
      const misplaced = this.#journal.misplaced()
      let count = 1 // which finds out whether it can be done
      for (let at = 0; at < misplaced.length && !this.#parts.closing.isBegun; at += count, count = AT_ONCE) {
        const some = misplaced.slice(at, at + count).filter(({ where }) => where === undefined)
        await Promise.all(some.map((entry) => this.#logOnce(entry)))
      }
    } catch {
      // the next beat tries again
    } finally {
      this.#isLoggingAgain = false
    }
  }

  #notLonger<T>(ms: number, logging: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const tooLate = () => reject(new HerdgateError('not_logged', `not logged within ${ms} ms`))
      const cancel = this.#parts.clock.after(ms, tooLate)
      logging.then(resolve, reject).finally(cancel)
    })
  }

  /** Who has read the last has read them all. */
  async #logInOrder(earlier: readonly JournalEntry[], last: JournalEntry): Promise<{ position: number }> {
    for (const entry of earlier) await this.#logInTime(entry)
    return this.#logInTime(last)
  }

  async #logInTime(entry: JournalEntry): Promise<{ position: number }> {
    const { clock, closing, appendTimeout } = this.#parts
    const until = entry.at + appendTimeout
    for (;;) {
      try {
        return await this.#logOnce(entry)
      } catch (error) {
        if (closing.isBegun || clock.now() >= until) {
          const why = error instanceof Error ? error.message : String(error)
          throw new HerdgateError('not_logged', `not logged: ${why}`, { cause: error })
        }
      }
      await closing.sleep(RETRY_MS)
    }
  }

  /** As often as one likes: the log knows the nonce. */
  async #logOnce(entry: JournalEntry): Promise<{ position: number }> {
    const { calls, nodes: live, log, newest, clock, outOfStep } = this.#parts
    const askedAt = clock.now()
    const { head, nodes, position } = await calls.append(newest.known, entry)
    const { generation } = head
    entry.where = { generation, position, at: clock.now() }
    entry.loggedAt ??= clock.now()
    this.#forgetIfRead(entry)
    live.replace({ ...head, nodes }, askedAt)
    if (generation === log.generation) newest.logged({ generation, position, nonce: entry.nonce })
    else outOfStep()
    return { position }
  }

  /** Until every live node follows the record, or the time is up. */
  async #followed(entry: JournalEntry, until: number): Promise<Receipt['nodes']> {
    const { nodes: live, clock, closing } = this.#parts
    const { promise, resolve } = Promise.withResolvers<Receipt['nodes']>()
    let cancel = () => {}
    const look = () => {
      const now = clock.now()
      const nodes = this.#following(entry)
      if (nodes.acked >= nodes.expected || now >= until || closing.isBegun) return resolve(nodes)
      cancel()
      cancel = clock.after(Math.max(1, Math.min(until - now, live.silenceMs)), look)
    }
    const unsubscribe = [live.onChange(look), closing.onBegin(look)]
    look()
    try {
      return await promise
    } finally {
      for (const off of unsubscribe) off()
      cancel()
    }
  }

  #following({ where }: JournalEntry): Receipt['nodes'] {
    const { nodes } = this.#parts
    return where === undefined ? { expected: nodes.list().length, acked: 0 } : nodes.following(where)
  }
}

function inPieces(targets: readonly string[]): string[][] {
  const pieces: string[][] = []
  for (let at = 0; at < targets.length; at += MOST_TARGETS_EACH) pieces.push(targets.slice(at, at + MOST_TARGETS_EACH))
  return pieces
}

const unlogged = (record: PendingRecord): JournalEntry => ({
  ...record,
  nonce: crypto.randomUUID(),
  where: undefined,
  loggedAt: undefined,
})
