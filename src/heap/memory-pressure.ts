/** Tells when memory runs short, early enough that nothing has to die of it. */
import { getHeapSpaceStatistics } from 'node:v8'
import { anonymousBytes } from './anonymous-memory.ts'
import { collectAll, giveBackMemory } from './collector.ts'
import type { MemoryCeilings } from './memory-ceilings.ts'
import type { Clock } from '../model.ts'

/** Bytes in use. */
export interface MemoryUse {
  /** Of the heap's old generation: what the engine ends the process for when it runs out. */
  readonly heap: number
  /** Of the whole process, but for what the kernel can take back: most of what a container is killed for. */
  readonly anonymous: number
}

/** What can do with less memory than it could at first. */
export interface Yielding {
  /** Gives up some of what it holds, and holds no more from now on. @returns bytes; 0: nothing more can go */
  giveWay(): number
  /** It may hold a little more again. @returns bytes; 0: it may hold as much as at first */
  regain(): number
}

export interface MemoryPressureOptions {
  readonly clock: Clock
  readonly ceilings: MemoryCeilings
  /** What has to give way before anybody is refused. */
  readonly store: Yielding
  readonly use?: () => MemoryUse
  /** Frees what nobody holds any more, so that `use` tells what is really in use. */
  readonly collect?: () => void
  /** From now on memory that is not in use should be given back; or that matters no longer. */
  readonly giveBack?: (isWanted: boolean) => void
  readonly changed: (high: boolean, use: MemoryUse) => void
}

/** The closer to the end, the more often. */
const SAMPLED_EVERY_MS = { usually: 100, whereWanted: 20 }
/** Shares of a ceiling. Memory is short from the first on, until below the second; wanted back, so too. */
const MARKS = { high: 0.9, low: 0.85, wanted: 0.75, unwanted: 0.7 }
/** Of the container, whatever lies free within the process: the kernel counts sockets and tables of pages as well. */
const RESERVE = { share: 0.03, leastBytes: 8 * 2 ** 20 }
/** Collecting holds everything up: it rests for so many times as long as it took, in ms within these bounds. */
const RESTS = { times: 10, leastMs: 500, mostMs: 10_000 }
/** What the store gave up in a burst it may take back, slowly: it may be too large by itself. */
const REGAINED_EVERY_MS = 60_000

export class MemoryPressure {
  readonly #options: Required<MemoryPressureOptions>
  #high = false
  #isWanted = false
  /** No collection before then. */
  #restsUntil = Number.NEGATIVE_INFINITY
  /** When the store may hold more again; never, unless it has given way. */
  #regainsAt = Number.POSITIVE_INFINITY
  /** What it has given up and malloc has not: free for what comes, though it still counts as the process's. */
  #spare = 0
  #cancel: () => void

  constructor(options: MemoryPressureOptions) {
    this.#options = { use: memoryUse, collect: collectAll, giveBack: giveBackMemory, ...options }
    this.#cancel = this.#later()
  }

  /** Memory is short: what needs more of it should be refused. */
  get high(): boolean {
    return this.#high
  }

  close(): void {
    this.#cancel()
  }

  #later(): () => void {
    const { usually, whereWanted } = SAMPLED_EVERY_MS
    return this.#options.clock.after(this.#isWanted ? whereWanted : usually, () => {
      this.#sample()
      this.#cancel = this.#later()
    })
  }

  #sample(): void {
    const { clock, use: read, giveBack, changed } = this.#options
    let use = read()
    const now = clock.now()
    const short = this.#shortNow(use)
    if (isEither(short) && now >= this.#restsUntil) {
      use = this.#makeRoom(short)
      const collected = clock.now()
      this.#restsUntil = collected + Math.min(Math.max((collected - now) * RESTS.times, RESTS.leastMs), RESTS.mostMs)
    }
    const isWanted = isEither(this.#short(use, this.#isWanted ? MARKS.unwanted : MARKS.wanted))
    if (isWanted !== this.#isWanted) giveBack(isWanted)
    if (now >= this.#regainsAt && !isEither(this.#short(use, MARKS.low, this.#spare))) this.#regain(now)
    this.#isWanted = isWanted
    const high = isEither(this.#shortNow(use))
    if (high === this.#high) return
    this.#high = high
    changed(high, use)
  }

  /** Much may be garbage, which the engine leaves lying about until it needs the room; if it is not, the store gives way. */
  #makeRoom(short: Short): MemoryUse {
    const { clock, use: read, collect } = this.#options
    collect()
    const use = read()
    const given = this.#giveWay(use, short)
    if (given === 0) return use
    collect()
    const left = read()
    this.#regainsAt = clock.now() + REGAINED_EVERY_MS
    this.#spare += Math.max(0, given - (use.anonymous - left.anonymous))
    return left
  }

  /** Until there would be enough of the heap; once for the container, where what is given up is spare. @returns bytes */
  #giveWay({ heap, anonymous }: MemoryUse, short: Short): number {
    let given = 0
    for (;;) {
      const still = this.#short({ heap: heap - given, anonymous }, MARKS.wanted, this.#spare)
      const goesOn = (short.heap && still.heap) || (short.container && still.container && given === 0)
      const more = goesOn ? this.#options.store.giveWay() : 0
      if (more === 0) return given
      given += more
    }
  }

  #regain(now: number): void {
    const bytes = this.#options.store.regain()
    this.#spare = bytes === 0 ? 0 : Math.max(0, this.#spare - bytes)
    this.#regainsAt = bytes === 0 ? Number.POSITIVE_INFINITY : now + REGAINED_EVERY_MS
  }

  #shortNow(use: MemoryUse): Short {
    return this.#short(use, this.#high ? MARKS.low : MARKS.high, this.#spare)
  }

  /** Of what is more in use than a share of it? */
  #short({ heap, anonymous }: MemoryUse, mark: number, spare = 0): Short {
    const { heap: heapBytes, container } = this.#options.ceilings
    return {
      heap: heap > mark * heapBytes,
      container: container !== undefined && anonymous > Math.min(mark * container + spare, mostOf(container, mark)),
    }
  }
}

/** Of which of the two. */
interface Short {
  readonly heap: boolean
  readonly container: boolean
}

const isEither = ({ heap, container }: Short): boolean => heap || container

/** What may be in use whatever is spare. The lower mark lies as far below the high one as ever. */
function mostOf(container: number, mark: number): number {
  const reserve = Math.max(RESERVE.share * container, RESERVE.leastBytes)
  return Math.max(container - reserve, MARKS.high * container) - (MARKS.high - mark) * container
}

function memoryUse(): MemoryUse {
  let heap = 0
  for (const { space_name, space_used_size } of getHeapSpaceStatistics()) {
    if (!space_name.startsWith('new_')) heap += space_used_size
  }
  return { heap, anonymous: anonymousBytes() }
}
