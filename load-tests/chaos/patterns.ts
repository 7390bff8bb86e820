/** Request patterns, each aimed at a different weakness of a fleet. */
import { zipf } from '../k6/lib/zipf.ts'
import type { Target } from './content.ts'
import type { Chance } from './random.ts'

export interface Pattern {
  readonly name: string
  readonly what: string
  /** Concurrent requests. */
  readonly concurrency: number
  /** Requests per wave: the next wave begins when all are answered. If undefined, there is one wave. */
  readonly wave?: number
  /** Requests of this pattern per request asked for on the command line. */
  readonly share: number
  /** Memory of a node for stored responses. */
  readonly memory: string
  /** Share of look-ups and writes in memory that fail. */
  readonly memoryErrorRate: number
  /** Share of fetches in which the origin fails. */
  readonly originErrorRate: number
  /** The target of the request of that number. */
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
    memoryErrorRate: 0, // nodes keep what they have served, so a failing origin is no excuse
    originErrorRate: 0.05,
    target: (_turn, chance) => ({ ...small('failures', below(50, chance)), maxAge: 0 }),
  },
  {
    ...USUAL,
    name: 'stampede',
    what: '100 at once for one resource that nobody has asked for before',
    concurrency: 100,
    wave: 100,
    memoryErrorRate: 0, // so that there is no excuse for fetching twice
    target: (turn) => small('stampede', Math.floor(turn / 100)),
  },
]

const small = (name: string, number: number): Target => ({ path: `/${name}/${number}`, bytes: KIB, maxAge: LONG })
