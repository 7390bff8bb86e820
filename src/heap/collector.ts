import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { trimMalloc } from './malloc.ts'

type Collect = (options: { type: 'minor' } | { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void

let collect: Collect | undefined

/** Frees young garbage. Takes under a millisecond. */
export function collectYoung(): void {
  collect ??= exposed()
  collect({ type: 'minor' })
}

/** Frees all garbage, and returns what it can to the system; blocks the process meanwhile. */
export function collectAll(): void {
  collect ??= exposed()
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  trimMalloc()
}

/**
 * Makes one thread copy young objects that survive, in the order in which they were made, instead of several that take
 * turns on one core (docs/decisions/heap/young-garbage-in-one-thread.md). Only for a process that is Herdgate's own.
 */
export function collectYoungInOneThread(): void {
  setFlagsFromString('--no-parallel-scavenge')
}

interface Pace {
  /** Collections that V8 makes when the process becomes idle. */
  readonly whenIdle: number
  /** By how many percent the old generation may grow before it is marked; 0: as V8 sees fit. */
  readonly growth: number
}

const V8_DEFAULT: Pace = { whenIdle: 2, growth: 0 }
/**
 * Keeps compiled code while the process is idle: in quiet times V8 collects all garbage to give memory back, and drops
 * the code for requests of which there is none at that moment (docs/decisions/heap/compiled-code-stays.md). And where
 * little grows old, V8 would mark the old generation every few seconds (docs/decisions/heap/marking-is-rare.md).
 */
const SELDOM: Pace = { whenIdle: 0, growth: 100 }
let collectsSeldom = false

/** Makes V8 collect old garbage seldom. Only for a process that is Herdgate's own: it sets flags of the process. */
export function collectSeldom(): void {
  collectsSeldom = true
  setPace(SELDOM)
}

/** Makes V8 give memory back, even at the expense of compiled code, or no longer. */
export function giveBackMemory(isWanted: boolean): void {
  if (collectsSeldom) setPace(isWanted ? V8_DEFAULT : SELDOM)
}

/** V8 reads these flags whenever they matter, not only at the start. */
function setPace({ whenIdle, growth }: Pace): void {
  setFlagsFromString(`--memory-reducer-gc-count=${whenIdle}`)
  setFlagsFromString(`--heap-growing-percent=${growth}`)
}

/** What `--expose-gc` provides, without starting Node with it. The flag is reset, so that nobody else sees it. */
function exposed(): Collect {
  setFlagsFromString('--expose-gc')
  const gc: Collect = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  return gc
}
