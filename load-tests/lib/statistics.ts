/** Statistics of samples: pure functions. */

/**
 * The value below which a share of the sample lies, by linear interpolation (type 7 of Hyndman and Fan).
 * @param sorted ascending
 * @param share from 0 to 1
 * @returns NaN for an empty sample
 */
export function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share
  const below = sorted[Math.floor(at)] ?? Number.NaN
  const above = sorted[Math.ceil(at)] ?? Number.NaN
  return below + (above - below) * (at - Math.floor(at))
}

export const ascending = (sample: readonly number[]): number[] => sample.toSorted((a, b) => a - b)

export interface Interval {
  readonly low: number
  readonly high: number
}

/** The two-sided 95 % quantile of the standard normal distribution. */
const Z_95 = 1.959963984540054

/** Wilson's 95 % interval for a share, given `count` of `total`; 0 to 1 if `total` is 0. */
export function wilson(count: number, total: number): Interval {
  if (total === 0) return { low: 0, high: 1 }
  const share = count / total
  const squared = Z_95 ** 2
  const centre = (share + squared / (2 * total)) / (1 + squared / total)
  const half = (Z_95 / (1 + squared / total)) * Math.sqrt((share * (1 - share)) / total + squared / (4 * total ** 2))
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) }
}

export interface RankTest {
  /** Pairs in which the first sample's value is the larger; ties count half. */
  readonly u: number
  /** Two-sided, by the normal approximation with corrections for ties and continuity. */
  readonly p: number
}

/** Mann-Whitney test: do values of one sample tend to be larger than those of the other? p is 1 if one is empty. */
export function mannWhitney(one: readonly number[], other: readonly number[]): RankTest {
  const pooled = [
    ...one.map((value) => ({ value, isOne: true })),
    ...other.map((value) => ({ value, isOne: false })),
  ].sort((a, b) => a.value - b.value)
  let rankSum = 0
  let ties = 0
  for (let from = 0; from < pooled.length; ) {
    const to = endOfTie(pooled, from)
    const count = to - from
    const rank = (from + 1 + to) / 2
    for (let at = from; at < to; at++) if (pooled[at]?.isOne) rankSum += rank
    ties += count ** 3 - count
    from = to
  }
  const u = rankSum - (one.length * (one.length + 1)) / 2
  return { u, p: pOf(u, one.length, other.length, ties) }
}

function endOfTie(pooled: readonly { readonly value: number }[], from: number): number {
  let to = from + 1
  while (to < pooled.length && pooled[to]?.value === pooled[from]?.value) to++
  return to
}

function pOf(u: number, one: number, other: number, ties: number): number {
  const all = one + other
  const variance = ((one * other) / 12) * (all + 1 - ties / (all * (all - 1)))
  if (!(variance > 0)) return 1 // one is empty, or all values are the same
  const distance = Math.abs(u - (one * other) / 2) - 0.5
  return distance <= 0 ? 1 : erfc(distance / Math.sqrt(2 * variance))
}

/** Here the series of erf and the continued fraction of erfc converge about equally fast. */
const SERIES_UNTIL = 2.5
const TERMS = 80

/** The complementary error function, for x from 0. */
export function erfc(x: number): number {
  return x < SERIES_UNTIL ? 1 - erfSeries(x) : erfcFraction(x)
}

/** DLMF 7.6.1. */
function erfSeries(x: number): number {
  let power = x
  let sum = x
  for (let n = 1; n < TERMS; n++) {
    power *= -(x ** 2) / n
    sum += power / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

/** DLMF 7.9.1, from the inside out. */
function erfcFraction(x: number): number {
  let fraction = x
  for (let n = TERMS; n > 0; n--) fraction = x + n / 2 / fraction
  return Math.exp(-(x ** 2)) / (Math.sqrt(Math.PI) * fraction)
}
