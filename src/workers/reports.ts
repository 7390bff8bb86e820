/** What workers have counted: as last heard of those that live, and for good of those that have ended. */
import type { Statistics } from '../cache/statistics.ts'
import { type MetricReport, sumOfCounts } from '../metrics/reports.ts'
import type { Clock } from '../model.ts'
import { LATE, within } from '../deadline.ts'
import { LEASE_LIFE_MS } from '../stores/lease-life.ts'
import type { Member } from './member.ts'
import type { Pool } from './pool.ts'
import type { Report } from './services.ts'
import { countsOf, sumOfStatistics } from './statistics.ts'

/** How often each worker says what it has counted, and so that it is there; ms. */
const HEARD_EVERY_MS = 1_000
/** Who asks for the newest numbers waits this long for them, then takes those there are; ms. */
const DEADLINE_MS = 1_000

interface ReportsParts {
  readonly pool: Pick<Pool, 'begun' | 'answer'>
  readonly clock: Clock
  /** It has not answered for the life of a lease, and may hang: nobody is to wait for what it fetches; if it never does it is killed later. */
  readonly late?: (member: Member) => void
}

export class Reports {
  readonly #pool: Pick<Pool, 'begun' | 'answer'>
  readonly #clock: Clock
  readonly #late: (member: Member) => void
  #cancel: (() => void) | undefined
  readonly #last = new Map<Member, Report>()
  readonly #ended = new WeakSet<Member>()
  #endedMetrics: readonly MetricReport[] = []
  #endedStats: Statistics | undefined

  constructor({ pool, clock, late = () => {} }: ReportsParts) {
    this.#pool = pool
    this.#clock = clock
    this.#late = late
  }

  /** Asks again and again from now on. @returns settles when all have told once, or were given the time to */
  async start(): Promise<void> {
    this.#cancel = this.#clock.after(HEARD_EVERY_MS, () => void this.start())
    await this.hearAll()
  }

  stop(): void {
    this.#cancel?.()
  }

  async hearAll(): Promise<void> {
    const asked = this.#pool.begun.map((member) => this.#hear(member))
    await within(asked, DEADLINE_MS, this.#clock)
  }

  async #hear(member: Member): Promise<void> {
    const answered = this.#pool.answer(member, member.calls.call('report', undefined))
    void within([answered], LEASE_LIFE_MS, this.#clock).then(([answer]) => {
      if (answer === LATE) this.#late(member)
    })
    const report = await answered
    if (report !== undefined && !this.#ended.has(member)) this.#last.set(member, report)
  }

  /** So that nothing that counts up goes back. What it has counted since its last report is lost with it. */
  async ended(member: Member): Promise<void> {
    const report = this.#last.get(member)
    this.#last.delete(member)
    this.#ended.add(member)
    if (report === undefined) return
    const { stats } = report
    this.#endedStats = countsOf(this.#endedStats === undefined ? stats : sumOfStatistics(this.#endedStats, [stats]))
    this.#endedMetrics = await sumOfCounts([this.#endedMetrics, report.metrics])
  }

  get metrics(): (readonly MetricReport[])[] {
    return [this.#endedMetrics, ...[...this.#last.values()].map(({ metrics }) => metrics)]
  }

  get stats(): Statistics[] {
    return [...(this.#endedStats === undefined ? [] : [this.#endedStats]), ...this.#living.map(({ stats }) => stats)]
  }

  /** What works worse than configured, anywhere. Who is about to end closes what it has. */
  get degraded(): string[] {
    const told = [...this.#last].flatMap(([{ isListening }, { degraded }]) => (isListening ? degraded : []))
    return [...new Set(told)]
  }

  get #living(): Report[] {
    return [...this.#last.values()]
  }
}
