/** The rows of the table. Each checks that it measures what it claims to. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Contestant, type Load, type Room, ROOM, type Value } from './contestant.ts'

export interface Row {
  readonly name: string
  /** Unit in the table. */
  readonly unit: 'ns' | 'µs'
  /** RustoCache's published figure, in ns; absent if none is comparable. */
  readonly seedNs?: number
  /** What Herdgate may take at most, in ns. */
  readonly atMostNs?: number
  /** What the contestant may keep; default: ROOM. */
  readonly room?: Room
  /** Nanoseconds per operation, measured for about `forMs`; undefined if the library cannot do it. */
  readonly measure: (contestant: Contestant, forMs: number) => Promise<number | undefined>
}

const KEYS = Array.from({ length: 1_000 }, (_, index) => `user:${index}`)
const ENTRIES = KEYS.map((key, id) => ({ key, value: { id, name: key, tags: 'a few', score: id / 7 } }))
const AT_ONCE = 100
const TAGS = 10
const tagOf = (index: number): string => `group:${index % TAGS}`
const FAILING = 0.05

const loaded: Value = { loaded: true }
const load: Load = async () => loaded
const unexpected: Load = () => Promise.reject(new Error('loaded what was there'))
/** A load that takes a turn of the event loop, as any with I/O does. */
const loadLater: Load = () => new Promise((resolve) => setImmediate(resolve, loaded))

export const ROWS: readonly Row[] = [
  { name: 'get', unit: 'ns', seedNs: 684, atMostNs: 120, measure: get },
  { name: 'set', unit: 'ns', seedNs: 494, atMostNs: 450, measure: set },
  { name: 'getOrSet, hit', unit: 'ns', seedNs: 720, atMostNs: 250, measure: getOrSet },
  { name: 'getMany of 1,000', unit: 'µs', seedNs: 881_000, atMostNs: 120_000, measure: getMany },
  { name: 'setMany of 1,000', unit: 'µs', measure: setMany },
  { name: 'delete by tag, of 100', unit: 'µs', measure: deleteByTag },
  { name: 'stampede: 100 at once, not there', unit: 'µs', measure: stampede },
  { name: 'stale answer within grace', unit: 'ns', seedNs: 7_650, atMostNs: 2_000, measure: graceHit },
  { name: 'hotspot: one key', unit: 'ns', seedNs: 212, measure: pattern('hot', () => 0) },
  { name: 'LRU killer: 1,001 keys in turn', unit: 'ns', seedNs: 275, measure: pattern('turn', (at) => at % 1_001) },
  { name: 'random: of 1,000,000 keys', unit: 'ns', measure: pattern('random', (_, random) => random(1_000_000)) },
  { name: 'Zipf: of 1,000 keys', unit: 'ns', seedNs: 212, measure: pattern('zipf', (_, random) => zipf(random)) },
  { name: 'memory bomb: set of 10 MB', unit: 'ns', room: { ...ROOM, bytes: 256 * 2 ** 20 }, measure: memoryBomb },
  { name: '5 % failing loads, not there', unit: 'ns', measure: failingLoads },
  { name: '100 at once, one key that is there', unit: 'µs', measure: sharedHit },
]

async function get(contestant: Contestant, forMs: number): Promise<number> {
  await fill(contestant)
  return timed(forMs, KEYS.length, async () => {
    for (const key of KEYS) there(await contestant.get(key))
  })
}

function set(contestant: Contestant, forMs: number): Promise<number> {
  return timed(forMs, ENTRIES.length, () => fill(contestant))
}

async function getOrSet(contestant: Contestant, forMs: number): Promise<number> {
  for (const key of KEYS) await contestant.getOrSet(key, load)
  return timed(forMs, KEYS.length, async () => {
    for (const key of KEYS) there(await contestant.getOrSet(key, unexpected))
  })
}

async function getMany(contestant: Contestant, forMs: number): Promise<number> {
  await fill(contestant)
  const many = contestant.getMany ?? ((keys) => Promise.all(keys.map((key) => contestant.get(key))))
  return timed(forMs, 1, async () => {
    const values = await many(KEYS)
    if (values.length !== KEYS.length) throw new Error(`${values.length} values`)
    for (const value of values) there(value)
  })
}

function setMany(contestant: Contestant, forMs: number): Promise<number> {
  const many = contestant.setMany ?? ((all) => Promise.all(all.map(({ key, value }) => contestant.set(key, value))))
  return timed(forMs, 1, () => many(ENTRIES))
}

async function deleteByTag({ tags }: Contestant, forMs: number): Promise<number | undefined> {
  if (tags === undefined) return undefined
  const deleted = async (): Promise<number> => {
    for (const [index, { key, value }] of ENTRIES.entries()) await tags.setTagged(key, value, tagOf(index))
    const began = process.cpuUsage()
    for (let tag = 0; tag < TAGS; tag += 1) await tags.deleteTag(tagOf(tag))
    const took = nanosecondsSince(began)
    for (let tag = 0; tag < TAGS; tag += 1) {
      const left = await tags.get(`user:${500 + tag}`)
      if (left !== undefined && left !== null) throw new Error('what was deleted is still there')
    }
    await pause(2) // some libraries distinguish deletions from later sets only by the millisecond
    return took / TAGS
  }
  // Most of the time is spent on setting what is then deleted.
  const warmBy = performance.now() + WARM_UP * forMs
  while (performance.now() < warmBy) await deleted()
  const until = performance.now() + 4 * forMs
  const times: number[] = []
  do times.push(await deleted())
  while (performance.now() < until)
  return times.reduce((sum, ns) => sum + ns, 0) / times.length
}

function stampede(contestant: Contestant, forMs: number): Promise<number> {
  let round = 0
  return timed(forMs, 1, async () => {
    const key = `stampede:${(round += 1)}`
    for (const value of await atOnce(() => contestant.getOrSet(key, loadLater))) there(value)
  })
}

async function sharedHit(contestant: Contestant, forMs: number): Promise<number> {
  await contestant.getOrSet('shared', load)
  return timed(forMs, 1, async () => {
    for (const value of await atOnce(() => contestant.getOrSet('shared', unexpected))) there(value)
  })
}

async function graceHit({ grace }: Contestant, forMs: number): Promise<number | undefined> {
  if (grace === undefined) return undefined
  const old = { old: true }
  await grace.setShort('grace', old)
  await pause(grace.staleAfterMs)
  const never: Load = () => new Promise(() => {})
  return timed(forMs, 1_000, async () => {
    for (let call = 0; call < 1_000; call += 1) {
      if ((await grace.getStale('grace', never)) !== old) throw new Error('no stale answer')
    }
  })
}

type Random = (below: number) => number

/** Measures getOrSet for keys in a given order. */
function pattern(name: string, next: (at: number, random: Random) => number): Row['measure'] {
  return (contestant, forMs) => {
    const random = randomFrom(1)
    const keys = Array.from({ length: 200_200 }, (_, index) => `${name}:${next(index, random)}`)
    let at = 0
    return timed(forMs, 1_001, async () => {
      const end = at + 1_001
      for (; at < end; at += 1) there(await contestant.getOrSet(keys[at] ?? '', load))
      if (at === keys.length) at = 0
    })
  }
}

/** Sets a few very large values again and again. */
function memoryBomb(contestant: Contestant, forMs: number): Promise<number> {
  const value = Buffer.alloc(10_000_000, 'x')
  let round = 0
  return timed(forMs, 100, async () => {
    for (let call = 0; call < 100; call += 1) await contestant.set(`bomb:${(round += 1) % 10}`, value)
  })
}

async function failingLoads(contestant: Contestant, forMs: number): Promise<number> {
  const random = randomFrom(2)
  let failed = 0
  let reported = 0
  const sometimes: Load = async () => {
    if (random(1_000) >= FAILING * 1_000) return loaded
    failed += 1
    throw new Error('on purpose')
  }
  let key = 0
  const ns = await timed(forMs, 100, async () => {
    for (let call = 0; call < 100; call += 1) {
      try {
        there(await contestant.getOrSet(`failing:${(key += 1)}`, sometimes))
      } catch {
        reported += 1
      }
    }
  })
  if (reported !== failed) throw new Error(`${failed} loads failed, ${reported} were told of`)
  return ns
}

async function fill(contestant: Contestant): Promise<void> {
  for (const { key, value } of ENTRIES) await contestant.set(key, value)
}

const atOnce = (call: () => Promise<unknown>): Promise<unknown[]> =>
  Promise.all(Array.from({ length: AT_ONCE }, () => call()))

function there(value: unknown): void {
  if (typeof value !== 'object' || value === null) throw new Error(`no value but ${String(value)}`)
}

/** Warm-up time as a multiple of the measured time: on one core, the JIT compiler competes with the row. */
const WARM_UP = 5

/** Nanoseconds for each of the `count` operations of a turn, once warm. */
async function timed(forMs: number, count: number, turn: () => Promise<unknown>): Promise<number> {
  await turns(WARM_UP * forMs, turn)
  const began = process.cpuUsage()
  const done = await turns(forMs, turn)
  return nanosecondsSince(began) / (done * count)
}

/** CPU time of the whole process: other processes on the machine affect it less than wall-clock time. */
function nanosecondsSince(began: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(began)
  return (user + system) * 1_000
}

/** @returns how many turns were made in this time */
async function turns(forMs: number, turn: () => Promise<unknown>): Promise<number> {
  const until = performance.now() + forMs
  let done = 0
  do {
    await turn()
    done += 1
  } while (performance.now() < until)
  return done
}

/** Ranks with an exponent of 1.2 and no upper bound, folded into 1,000. */
function zipf(random: Random): number {
  const share = (random(1e6) + 1) / 1e6
  return Math.floor(share ** (-1 / 1.2) - 1) % 1_000
}

/** A linear congruential generator: the same keys for everyone. */
function randomFrom(seed: number): Random {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
