import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { collections } from './collections.ts'
import { maxHalfSpace, memoryCeilings } from './memory-ceilings.ts'

/** More than V8's new space can ever grow by: it reaches its full size in one step. */
const AT_ONCE = 64
/** V8's default. */
const DOUBLED = 2
const NOT_AT_ALL = 1
/** Share of the old generation's limit that one collection may move there: less than is left when memory is short. */
const MAX_MOVED = 1 / 32

let factor = DOUBLED

/**
 * Makes V8's new space grow to its full size at once. V8 shrinks it when a process has had little to do, and then
 * doubles it step by step in the first seconds of the next burst. With a small `--max-old-space-size` that size is half
 * of the old generation, and whatever lives there may be moved to the old generation in one collection, after which V8
 * ends the process if that has become too large: then it stops growing in time
 * (docs/decisions/heap/new-space-grows-at-once.md). Only for a process that is Herdgate's own.
 */
export function sizeNewSpace(): void {
  const most = MAX_MOVED * memoryCeilings().heap
  if (maxHalfSpace() <= most) return growBy(AT_ONCE)
  const stopInTime = (): void => growBy(DOUBLED * newSpaceBytes() <= most ? DOUBLED : NOT_AT_ALL)
  stopInTime()
  collections().onYoung(stopInTime)
}

/** V8 reads the flag whenever the new space may grow. */
function growBy(next: number): void {
  if (next === factor) return
  factor = next
  setFlagsFromString(`--semi-space-growth-factor=${next}`)
}

/** What the new space can hold. */
function newSpaceBytes(): number {
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
  return space === undefined ? 0 : space.space_used_size + space.space_available_size
}
