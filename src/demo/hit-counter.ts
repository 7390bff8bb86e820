/** Requests counted by path. The number of paths is limited, as clients can invent any number of them. */
export interface HitCounter {
  /** @returns the count so far of this path or, if it is beyond the limit, of all such paths */
  count(path: string): number
  /** Of one path, or of all if none is given. */
  hits(path?: string): number
  /** Every path within the limit, and `(other)` if there were more. */
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
