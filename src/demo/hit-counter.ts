/** Requests counted by path. Only so many paths are told apart: anyone may invent more. */
export interface HitCounter {
  /** @returns how often this path, or the rest when it is not told apart, has been counted now */
  count(path: string): number
  /** Of one path; of all without one. */
  hits(path?: string): number
  /** Every path told apart, and `(other)` when there were more. */
  byPath(): Record<string, number>
}

const OTHER = '(other)'

export function hitCounter({ maxPaths = 1_000, maxPathLength = 256 } = {}): HitCounter {
  const counts = new Map<string, number>()
  let total = 0

  return {
    count(path) {
      const known = counts.has(path) || (counts.size < maxPaths && path.length <= maxPathLength)
      const name = known ? path : OTHER
      const hits = (counts.get(name) ?? 0) + 1
      counts.set(name, hits)
      total += 1
      return hits
    },
    hits: (path) => (path === undefined ? total : (counts.get(path) ?? 0)),
    byPath: () => Object.fromEntries(counts),
  }
}
