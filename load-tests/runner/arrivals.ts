/** When iterations of an open model begin: pure arithmetic. */

export interface Stage {
  readonly durationMs: number
  /** Iterations a second at its end, reached on a straight line. */
  readonly target: number
}

/** @returns how many iterations are to have begun after so many milliseconds */
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
  return Math.floor(sum + 1e-9) // so that what is whole but for its last binary digit counts
}

export const totalMs = (stages: readonly Stage[]): number => stages.reduce((sum, { durationMs }) => sum + durationMs, 0)
