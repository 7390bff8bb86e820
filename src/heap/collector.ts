import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type Collect = (options?: { type: 'minor' }) => void

let collect: Collect | undefined

/** Frees what has become garbage young. Takes under a millisecond. */
export function collectYoung(): void {
  collect ??= exposed()
  collect({ type: 'minor' })
}

/** Frees all garbage; everything waits meanwhile. */
export function collectAll(): void {
  collect ??= exposed()
  collect()
}

/** As many collections V8 makes by itself when a process falls silent. */
const IN_QUIET_TIMES = 2
let keepsCompiled = false

/**
 * What was compiled stays so while nothing is asked: in quiet times V8 collects all garbage to give memory back, and with
 * it goes the code for requests of which there is none at that moment (docs/decisions/heap/compiled-code-stays.md).
 * For a process of our own only: it is a flag of the whole process.
 */
export function keepCompiled(): void {
  keepsCompiled = true
  collectInQuietTimes(0)
}

/** Memory is wanted back, even at the expense of compiled code; or no longer. */
export function giveBackMemory(isWanted: boolean): void {
  if (keepsCompiled) collectInQuietTimes(isWanted ? IN_QUIET_TIMES : 0)
}

/** V8 reads this each time. */
function collectInQuietTimes(times: number): void {
  setFlagsFromString(`--memory-reducer-gc-count=${times}`)
}

/** What `--expose-gc` gives, without having to be started with it. The flag is put back, so that nobody else sees it. */
function exposed(): Collect {
  setFlagsFromString('--expose-gc')
  const gc: Collect = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  return gc
}
