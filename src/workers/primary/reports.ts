/** What workers have counted: the last report of each that runs, and the totals of those that have ended. */
import type { Statistics } from '../../cache/statistics.ts'
import { type MetricReport, sumOfCounts } from '../../metrics/reports.ts'
import type { Member } from './member.ts'
import type { Report } from '../services.ts'
import { countsOf, sumOfStatistics } from './statistics.ts'

export class Reports {
  readonly #last = new Map<Member, Report>()
  readonly #ended = new WeakSet<Member>()
  #endedMetrics: readonly MetricReport[] = []
  #endedStats: Statistics | undefined

  add(member: Member, report: Report): void {
    if (!this.#ended.has(member)) this.#last.set(member, report)
  }

  /** Keeps its counts, so that counters never go back. What it counted after its last report is lost. */
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
    return [this.#endedMetrics, ...this.#living(({ metrics }) => metrics)]
  }

  get stats(): Statistics[] {
    return [...(this.#endedStats === undefined ? [] : [this.#endedStats]), ...this.#living(({ stats }) => stats)]
  }

  /** What works worse than configured in any worker that is to go on: one that is about to end closes what it has. */
  get degraded(): string[] {
    const all = [...this.#last].flatMap(([{ isListening }, { degraded }]) => (isListening ? degraded : []))
    return [...new Set(all)]
  }

  #living<T>(read: (report: Report) => T): T[] {
    return [...this.#last.values()].map(read)
  }
}
