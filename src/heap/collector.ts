import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type Collect = (options: { type: 'minor' } | { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void

let collect: Collect | undefined

/** Frees what has become garbage young. Takes under a millisecond. */
export function collectYoung(): void {
  collect ??= exposed()
  collect({ type: 'minor' })
}

/** Frees all garbage, and gives back to the system what can be; everything waits meanwhile. */
export function collectAll(): void {
  collect ??= exposed()
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/**
 * What grows old is copied by one thread, in the order in which it was made, instead of by several that take turns on one core
 * (docs/decisions/heap/young-garbage-in-one-thread.md). For a process of our own only.
 */
export function collectYoungInOneThread(): void {
  setFlagsFromString('--no-parallel-scavenge')
}

interface Pace {
  /** Collections that V8 makes when the process falls silent. */
  readonly inQuietTimes: number
  /** By so much of what is held the old generation may grow until it is marked, in percent; 0: as V8 sees fit. */
  readonly growth: number
}

const V8_DEFAULT: Pace = { inQuietTimes: 2, growth: 0 }
/**
 * What was compiled stays so while nothing is asked: in quiet times V8 collects all garbage to give memory back, and with
 * it goes the code for requests of which there is none at that moment (docs/decisions/heap/compiled-code-stays.md). And
 * where little grows old V8 would mark all of it every few seconds (docs/decisions/heap/marking-is-rare.md).
 */
const SELDOM: Pace = { inQuietTimes: 0, growth: 100 }
let collectsSeldom = false

/** Garbage of the old generation is collected seldom. For a process of our own only: it takes flags of the whole process. */
export function collectSeldom(): void {
  collectsSeldom = true
  setPace(SELDOM)
}

/** Larger than what V8's new space ever grows by: it is as large as it may be at once. */
const AT_ONCE = 64

/**
 * V8 makes the room for what is new small when little has been asked of a process, and then doubles it again, step by step, in
 * the first seconds of the next burst (docs/decisions/heap/new-space-grows-at-once.md). For a process of our own only.
 */
export function growNewSpaceAtOnce(): void {
  setFlagsFromString(`--semi-space-growth-factor=${AT_ONCE}`)
}

/** Memory is wanted back, even at the expense of compiled code; or no longer. */
export function giveBackMemory(isWanted: boolean): void {
  if (collectsSeldom) setPace(isWanted ? V8_DEFAULT : SELDOM)
}

/** V8 reads these each time. */
function setPace({ inQuietTimes, growth }: Pace): void {
  setFlagsFromString(`--memory-reducer-gc-count=${inQuietTimes}`)
  setFlagsFromString(`--heap-growing-percent=${growth}`)
}

/** What `--expose-gc` gives, without having to be started with it. The flag is put back, so that nobody else sees it. */
function exposed(): Collect {
  setFlagsFromString('--expose-gc')
  const gc: Collect = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  return gc
}
