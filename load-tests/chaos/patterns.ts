/** The ways a fleet is asked, each meant to hurt in another place. */
import type { Target } from './content.ts'
import type { Chance } from './random.ts'

export interface Pattern {
  readonly name: string
  readonly what: string
  /** Requests at once. */
  readonly concurrency: number
  /** So many requests are sent together, and the next when all of them are answered; undefined: as each is answered. */
  readonly wave?: number
  /** Requests of this pattern for each that is asked for on the command line. */
  readonly share: number
  /** Memory of a node for copies. */
  readonly memory: string
  /** Share of look-ups and writes in memory that fail. */
  readonly memoryErrorRate: number
  /** Share of fetches in which the origin fails. */
  readonly originErrorRate: number
  /** What the request of that number asks for. */
  target(turn: number, chance: Chance): Target
}

const USUAL = { concurrency: 32, share: 1, memory: '64MiB', memoryErrorRate: 0.01, originErrorRate: 0 }
const KIB = 2 ** 10
const LONG = 3_600

const below = (limit: number, chance: Chance): number => Math.floor(chance() * limit)
const drawZipf = zipf(10_000)

export const PATTERNS: readonly Pattern[] = [
  {
    ...USUAL,
    name: 'hotspot',
    what: '9 of 10 requests are for 10 of 1,000 resources',
    target: (_turn, chance) => small('hotspot', chance() < 0.9 ? below(10, chance) : below(1_000, chance)),
  },
  {
    ...USUAL,
    name: 'lru-killer',
    what: 'one after the other, again and again, through more than memory holds',
    memory: '4MiB',
    target: (turn) => ({ path: `/lru-killer/${turn % 700}`, bytes: 8 * KIB, maxAge: LONG }),
  },
  {
    ...USUAL,
    name: 'random',
    what: '1,000 resources, each as likely as the other',
    target: (_turn, chance) => small('random', below(1_000, chance)),
  },
  {
    ...USUAL,
    name: 'zipf',
    what: '10,000 resources, the n-th 1/n as likely as the first',
    target: (_turn, chance) => small('zipf', drawZipf(chance())),
  },
  {
    ...USUAL,
    name: 'memory-bomb',
    what: 'bodies of 10 MB, which are too large to be kept',
    concurrency: 8,
    share: 1 / 40,
    target: (turn) => ({ path: `/memory-bomb/${turn % 20}`, bytes: 10_000_000, maxAge: LONG }),
  },
  {
    ...USUAL,
    name: 'failures',
    what: 'every answer must be checked with an origin that fails in 5 of 100 fetches',
    memoryErrorRate: 0, // what a node has answered it has: a failing origin is then no excuse
    originErrorRate: 0.05,
    target: (_turn, chance) => ({ ...small('failures', below(50, chance)), maxAge: 0 }),
  },
  {
    ...USUAL,
    name: 'stampede',
    what: '100 at once for one resource that nobody has asked for before',
    concurrency: 100,
    wave: 100,
    memoryErrorRate: 0, // so that what is fetched twice has no excuse
    target: (turn) => small('stampede', Math.floor(turn / 100)),
  },
]

const small = (name: string, number: number): Target => ({ path: `/${name}/${number}`, bytes: KIB, maxAge: LONG })

/** Numbers from 0, of which n is 1/(n+1) as likely as 0. @returns the number for a value from 0 to 1, 1 excluded */
export function zipf(count: number): (drawn: number) => number {
  const sums: number[] = []
  let sum = 0
  for (let n = 1; n <= count; n++) sums.push((sum += 1 / n))
  return (drawn) => {
    const wanted = drawn * sum
    let [low, high] = [0, count - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sums[middle] ?? 0) > wanted) high = middle
      else low = middle + 1
    }
    return low
  }
}
