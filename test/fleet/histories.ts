/** Plays many histories, several at a time, each with its own Redis. */
import { startDurableRedis } from './durable-redis.ts'
import { check, explain, type History, type Violation } from './history.ts'
import type { StartMember } from './member.ts'
import { type Plan, planOf, type Theme } from './plan.ts'
import { play } from './play.ts'

export interface Played {
  readonly plan: Plan
  readonly history: History
  readonly violations: readonly Violation[]
  /** Other faults: clients without a good answer although the origin gave one. */
  readonly failures: readonly string[]
}

export interface PlayOptions {
  readonly seeds: Iterable<number>
  readonly start: StartMember
  /** Number of histories played at a time. */
  readonly lanes: number
  /** Replaces each seed's own theme. */
  readonly theme?: Theme | undefined
  /** Changes each seed's plan. */
  readonly change?: (plan: Plan) => Plan
  /** Called as each history ends; returning true stops everything. */
  done(played: Played): boolean | void
}

export async function playAll({
  seeds,
  start,
  lanes,
  theme,
  change = (plan) => plan,
  done,
}: PlayOptions): Promise<void> {
  const rest = Iterator.from(seeds)
  let enough = false
  const lane = async () => {
    await using redis = await startDurableRedis()
    for (const seed of rest) {
      if (enough) return
      const plan = change(planOf(seed, theme))
      const history = await play(plan, redis, start).catch((error: unknown) => {
        throw new Error(`history ${seed} (${plan.theme}) broke off`, { cause: error })
      })
      enough ||= done(judge(plan, history)) === true
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

function judge(plan: Plan, history: History): Played {
  const { failsOneIn, losesData, leaseMs } = plan
  const violations = check(history, {
    loggedHoldsAfterMs: losesData ? undefined : 2 * leaseMs,
    mayBeCutOffFromAll: failsOneIn > 0, // a machine too busy to answer a lease in time is enough
    leaseMs,
  })
  const failed = failsOneIn > 0 ? [] : history.gets.filter(({ status }) => status !== 200)
  return { plan, history, violations, failures: failed.map(({ status, key }) => `${status} for ${key}`) }
}

export const isBad = ({ violations, failures }: Played): boolean => violations.length + failures.length > 0

/** Describes a history with violations or failures. */
export function complaint({ plan, history, violations, failures }: Played): string {
  const { seed, theme, leaseMs, steps } = plan
  const [first] = violations
  return [
    `seed ${seed} (${theme}, lease ${leaseMs} ms): ${violations.length} violations, ${failures.length} failures`,
    ...steps.map((step) => `  ${JSON.stringify(step)}`),
    ...failures.slice(0, 3),
    ...(first === undefined ? [] : [explain(history, first)]),
  ].join('\n')
}

/** What was observed in total: a check that never saw a hit or a purge proves nothing. */
export class Tally {
  histories = 0
  reads = 0
  hits = 0
  readonly purges = new Map<number | undefined, number>()
  readonly themes = new Map<Theme, number>()

  add({ plan, history }: Played): void {
    this.histories++
    this.reads += history.gets.length
    this.hits += history.gets.filter(({ cacheStatus }) => cacheStatus.includes('; hit')).length
    for (const { answer } of history.purges) bump(this.purges, answer?.status)
    bump(this.themes, plan.theme)
  }

  toString(): string {
    const purges = [...this.purges].map(([status, count]) => `${status ?? 'unanswered'} x ${count}`).join(', ')
    return `${this.histories} histories, ${this.reads} reads, ${this.hits} hits, purges ${purges}`
  }
}

const bump = <K>(counts: Map<K, number>, key: K): void => void counts.set(key, (counts.get(key) ?? 0) + 1)
