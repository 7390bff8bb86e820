/** When iterations of an open model begin: pure arithmetic. */

export interface Stage {
  readonly durationMs: number
  /** Iterations per second at its end, reached linearly. */
  readonly target: number
}

/** @returns how many iterations are to have begun after `elapsedMs` */
export function due(startRate: number, stages: readonly Stage[], elapsedMs: number): number {
  let [from, left, sum] = [startRate, elapsedMs, 0]
  for (const { durationMs, target } of stages) {
    const spent = Math.min(left, durationMs)
    const reached = durationMs === 0 ? target : from + ((target - from) * spent) / durationMs
    sum += ((from + reached) / 2) * (spent / 1_000)
    left -= spent
    if (left <= 0) break
    from = target
  }
  return Math.floor(sum + 1e-9) // tolerates rounding errors just below a whole number
}

export const totalMs = (stages: readonly Stage[]): number => stages.reduce((sum, { durationMs }) => sum + durationMs, 0)
