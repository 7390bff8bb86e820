export interface Point {
  readonly at: number
  readonly value: number
}

/** Growth per unit of time: the median over all pairs of points (Theil, Sen), which a few outliers do not move. */
export function slopeOf(points: readonly Point[]): number {
  const slopes: number[] = []
  for (const [index, one] of points.entries()) {
    for (const other of points.slice(index + 1)) {
      if (other.at !== one.at) slopes.push((other.value - one.value) / (other.at - one.at))
    }
  }
  return slopes.sort((a, b) => a - b)[slopes.length >> 1] ?? 0
}
