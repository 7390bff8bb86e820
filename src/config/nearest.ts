/** The candidate that was probably meant: few letters away, relative to its length. Undefined when none is near. */
export function nearest(given: string, candidates: Iterable<string>): string | undefined {
  const wanted = fold(given)
  let best: { candidate: string; away: number } | undefined
  for (const candidate of candidates) {
    const folded = fold(candidate)
    const farthest = Math.max(1, Math.floor(candidate.length / 3))
    if (Math.abs(folded.length - wanted.length) > farthest) continue // needs at least that many edits
    const away = distance(wanted, folded)
    if (away <= farthest && (best === undefined || away < best.away)) best = { candidate, away }
  }
  return best?.candidate
}

/** This many pairs take some 20 ms: reloading a file full of mistakes must not stall the data port. */
const MAX_COMPARED = 5_000

/** As `nearest`, for many names and the same candidates. With many of both, only the first names get a suggestion. */
export function suggestions(candidates: readonly string[]): (given: string) => string | undefined {
  const known = new Map<string, string | undefined>()
  return (given) => {
    if (!known.has(given) && known.size * candidates.length < MAX_COMPARED) {
      known.set(given, nearest(given, candidates))
    }
    return known.get(given)
  }
}

/** Case, dashes and underscores are what people mix up most. */
const fold = (text: string): string => text.slice(0, 64).toLowerCase().replaceAll(/[-_]/g, '')

/** Edits that turn `a` into `b`: insert, delete or replace a letter, or swap two neighbours. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const replaced = at(last, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1)
      const swapped = isSwap(a, b, row, column) ? at(beforeLast, column - 2) + 1 : Infinity
      current.push(Math.min(at(last, column) + 1, at(current, column - 1) + 1, replaced, swapped))
    }
    beforeLast = last
    last = current
  }
  return at(last, b.length)
}

const at = (row: readonly number[], column: number): number => row[column] ?? Infinity

const isSwap = (a: string, b: string, row: number, column: number): boolean =>
  row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
