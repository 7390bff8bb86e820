/** Traces of requests, and the hit ratios of caches on them. All objects have the same size; keys are numbers. */

export type Trace = Int32Array

/** Something that keeps keys. */
export interface Keeper {
  has(key: number): boolean
  add(key: number): void
}

const RANKS = 10_000
/** Keys from here on do not belong to a Zipf distribution. */
const APART = 1_000_000

/** Uniform numbers from 0 to 1, reproducible by seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Ranks from 0; rank k is requested 1 / (k + 1) ^ exponent as often as rank 0. */
function zipf(exponent: number, random: () => number): () => number {
  const upTo = new Float64Array(RANKS)
  let sum = 0
  for (let rank = 0; rank < RANKS; rank++) {
    sum += (rank + 1) ** -exponent
    upTo[rank] = sum
  }
  return () => {
    const point = random() * sum
    let [low, high] = [0, RANKS - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((upTo[middle] ?? 0) < point) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Traces by name. `mixed`: shifting popularity, a crawler, and a list that is read in a loop, interleaved. */
export const TRACES: Readonly<Record<string, (length: number) => Trace>> = {
  'Zipf(0.9)': (length) => {
    const next = zipf(0.9, randomFrom(1))
    return Int32Array.from({ length }, next)
  },
  'Zipf(0.9) and 30 % scan': (length) => {
    const random = randomFrom(2)
    const next = zipf(0.9, random)
    let scanned = APART
    return Int32Array.from({ length }, () => (random() < 0.3 ? scanned++ : next()))
  },
  scan: (length) => Int32Array.from({ length }, (_, at) => at),
  loop: (length) => Int32Array.from({ length }, (_, at) => at % 2_000),
  recent: (length) => {
    const random = randomFrom(4)
    let newest = 0
    const age = () => Math.floor(-Math.log(1 - random()) * 300)
    return Int32Array.from({ length }, () => (random() < 0.4 ? ++newest : Math.max(0, newest - age())))
  },
  mixed: (length) => {
    const random = randomFrom(3)
    const next = zipf(0.9, random)
    let [scanned, looped] = [APART, 0]
    return Int32Array.from({ length }, (_, at) => {
      const kind = random()
      if (kind < 0.2) return scanned++
      if (kind < 0.4) return 2 * APART + (looped++ % 1_500)
      return next() + 3_000 * Math.floor(at / 50_000)
    })
  },
}

/** Share of requests that hit; a key that is missed is added. */
export function hitRatio(trace: Trace, keeper: Keeper): number {
  let hits = 0
  for (const key of trace) {
    if (keeper.has(key)) hits++
    else keeper.add(key)
  }
  return hits / trace.length
}

/** The best ratio of any set of keys that is chosen before the trace and never changed. */
export function bestStaticRatio(trace: Trace, places: number): number {
  const counts = new Map<number, number>()
  for (const key of trace) counts.set(key, (counts.get(key) ?? 0) + 1)
  const most = [...counts.values()].sort((a, b) => b - a).slice(0, places)
  return most.reduce((sum, count) => sum + count - 1, 0) / trace.length
}

/**
 * The ratio of a cache that knows the future and evicts the key whose next use is furthest away (Belady, 1966): the
 * optimum. A key whose next use is later than those of all keys kept is not kept.
 */
export function optimalRatio(trace: Trace, places: number): number {
  const next = nextUses(trace)
  /** Positions at which kept keys are used next, as a set and in order. */
  const kept = new Set<number>()
  const latest = new LargestFirst()
  let hits = 0
  for (const at of trace.keys()) {
    const again = next[at] ?? Number.POSITIVE_INFINITY
    if (kept.delete(at)) hits++
    if (again === Number.POSITIVE_INFINITY) continue
    kept.add(again)
    latest.push(again)
    if (kept.size > places) kept.delete(latest.pop())
  }
  return hits / trace.length
}

/** For each request the position of the next one for its key; Infinity for the last. */
function nextUses(trace: Trace): Float64Array {
  const next = new Float64Array(trace.length)
  const seen = new Map<number, number>()
  for (let at = trace.length - 1; at >= 0; at--) {
    const key = trace[at] ?? 0
    next[at] = seen.get(key) ?? Number.POSITIVE_INFINITY
    seen.set(key, at)
  }
  return next
}

/** A binary heap. Positions in the past stay in it: they are the smallest, and never come to its top. */
class LargestFirst {
  readonly #heap: number[] = []

  push(value: number): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(value)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] ?? 0
      if (above >= value) break
      heap[at] = above
      at = parent
    }
    heap[at] = value
  }

  pop(): number {
    const heap = this.#heap
    const [top = 0] = heap
    const last = heap.pop() ?? 0
    if (heap.length === 0) return top
    let at = 0
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if ((heap[child + 1] ?? -1) > (heap[child] ?? -1)) child++
      const below = heap[child] ?? -1
      if (below <= last) break
      heap[at] = below
      at = child
    }
    heap[at] = last
    return top
  }
}
