import type { Clock } from '../../model.ts'
import { LATE, within } from '../../deadline.ts'
import { LEASE_LIFE_MS } from '../../stores/lease-life.ts'
import type { Member } from './member.ts'
import type { Pool } from './pool.ts'
import type { Report } from '../services.ts'

/** How often each worker reports what it has counted, and so that it is alive; ms. */
const REPORT_EVERY_MS = 1_000
/** How long to wait for the latest numbers before the last known ones are used; ms. */
const DEADLINE_MS = 1_000

export interface WatchParts {
  readonly pool: Pick<Pool, 'begun' | 'answerOf'>
  readonly clock: Clock
  readonly reported: (member: Member, report: Report) => void
  /**
   * It has not answered for `LEASE_LIFE_MS` and may hang: nobody should wait for what it fetches. It is killed later if
   * it never answers.
   */
  readonly late: (member: Member) => void
}

/** Asks every worker at intervals what it has counted, and so notices those that hang. */
export class Watch {
  readonly #parts: WatchParts
  /** Those that did not answer in time when last waited for: nobody waits for them until they answer again. */
  readonly #slow = new WeakSet<Member>()
  #cancel: (() => void) | undefined

  constructor(parts: WatchParts) {
    this.#parts = parts
  }

  /** Asks at intervals from now on. @returns settles when all have answered once, or the time for that is up */
  async start(): Promise<void> {
    this.#cancel = this.#parts.clock.after(REPORT_EVERY_MS, () => void this.start())
    await this.collectReports()
  }

  stop(): void {
    this.#cancel?.()
  }

  async collectReports(): Promise<void> {
    const { pool, clock } = this.#parts
    const asked = pool.begun.map((member) => ({ member, answered: this.#collectReport(member) }))
    const awaited = asked.filter(({ member }) => !this.#slow.has(member))
    const reported = awaited.map(({ answered }) => answered)
    const answers = await within(reported, DEADLINE_MS, clock)
    for (const [at, { member }] of awaited.entries()) if (answers[at] === LATE) this.#slow.add(member)
  }

  async #collectReport(member: Member): Promise<void> {
    const { pool, clock, reported, late } = this.#parts
    const answered = pool.answerOf(member, member.calls.call('report', undefined))
    void within([answered], LEASE_LIFE_MS, clock).then(([answer]) => {
      if (answer === LATE) late(member)
    })
    const report = await answered
    this.#slow.delete(member)
    if (report !== undefined) reported(member, report)
  }
}
