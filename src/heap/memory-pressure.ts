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
  /** Of the whole process, but for what the kernel can take back: what a container is killed for. */
  readonly anonymous: number
}

/** What can do with less memory than it could at first. */
export interface Yielding {
  /** Gives up some of what it holds, and holds no more from now on. @returns bytes; 0: nothing more can go */
  giveWay(): number
  /** It may hold as much as at first. */
  restore(): void
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
/** Of the container, whatever of it lies free within the process. */
const MOST = 0.97
/** A collection holds everything up: no more than so much of the time, but in ms no more often, and no more seldom, than that. */
const COLLECTING = { share: 1 / 20, oftenMs: 500, seldomMs: 5_000 }

export class MemoryPressure {
  readonly #options: Required<MemoryPressureOptions>
  #high = false
  #isWanted = false
  /** No collection before then. */
  #restsUntil = Number.NEGATIVE_INFINITY
  /** Has the store, since there was enough? */
  #hasGivenWay = false
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
    if (this.#isShort(use) && now >= this.#restsUntil) {
      use = this.#makeRoom()
      const rest = (clock.now() - now) / COLLECTING.share
      this.#restsUntil = now + Math.min(Math.max(rest, COLLECTING.oftenMs), COLLECTING.seldomMs)
    }
    const isWanted = this.#isAbove(use, this.#isWanted ? MARKS.unwanted : MARKS.wanted)
    if (isWanted !== this.#isWanted) giveBack(isWanted)
    if (!isWanted) this.#restore()
    this.#isWanted = isWanted
    const high = this.#isShort(use)
    if (high === this.#high) return
    this.#high = high
    changed(high, use)
  }

  /** Much may be garbage, which the engine leaves lying about until it needs the room; if it is not, the store gives way. */
  #makeRoom(): MemoryUse {
    const { use: read, collect, store } = this.#options
    collect()
    const use = read()
    if (!this.#isAbove(use, MARKS.wanted, this.#spare)) return use
    const given = store.giveWay()
    if (given === 0) return use
    collect()
    const left = read()
    this.#hasGivenWay = true
    this.#spare += Math.max(0, given - (use.anonymous - left.anonymous))
    return left
  }

  #restore(): void {
    if (!this.#hasGivenWay) return
    this.#hasGivenWay = false
    this.#spare = 0
    this.#options.store.restore()
  }

  #isShort(use: MemoryUse): boolean {
    return this.#isAbove(use, this.#high ? MARKS.low : MARKS.high, this.#spare)
  }

  #isAbove({ heap, anonymous }: MemoryUse, mark: number, spare = 0): boolean {
    const { ceilings } = this.#options
    if (heap > mark * ceilings.heap) return true
    return (
      ceilings.container !== undefined &&
      anonymous > Math.min(mark * ceilings.container + spare, MOST * ceilings.container)
    )
  }
}

function memoryUse(): MemoryUse {
  let heap = 0
  for (const { space_name, space_used_size } of getHeapSpaceStatistics()) {
    if (!space_name.startsWith('new_')) heap += space_used_size
  }
  return { heap, anonymous: anonymousBytes() }
}
