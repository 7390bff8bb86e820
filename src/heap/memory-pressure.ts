/** Tells when memory runs short, early enough that nothing has to die of it. */
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'
import { anonymousBytes } from './anonymous-memory.ts'
import { collectAll, giveBackMemory } from './collector.ts'
import type { Clock } from '../model.ts'

/** Bytes in use. */
export interface MemoryUse {
  /** Of the heap's old generation: what the engine ends the process for when it runs out. */
  readonly heap: number
  /** Of the whole process, but for what the kernel can take back: what a container is killed for. */
  readonly anonymous: number
}

/** What there is; undefined: no limit. */
export interface MemoryCeilings {
  readonly heap: number
  /** What the process may have of its container. */
  readonly container: number | undefined
}

export interface MemoryPressureOptions {
  readonly clock: Clock
  readonly ceilings: MemoryCeilings
  readonly use?: () => MemoryUse
  /** Frees what nobody holds any more, so that `use` tells what is really in use. */
  readonly collect?: () => void
  /** From now on memory that is not in use should be given back; or that matters no longer. */
  readonly giveBack?: (isWanted: boolean) => void
  readonly changed: (high: boolean, use: MemoryUse) => void
}

const SAMPLED_EVERY_MS = 100
/** Shares of a ceiling. Memory is short from the first on, until below the second; wanted back, so too. */
const MARKS = { high: 0.9, low: 0.85, wanted: 0.75, unwanted: 0.7 }
/** A collection holds everything up for a while: no more often than this, in ms. */
const COLLECTED_EVERY_MS = 5_000

export class MemoryPressure {
  readonly #options: Required<MemoryPressureOptions>
  #high = false
  #isWanted = false
  #collectedAt = Number.NEGATIVE_INFINITY
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
    return this.#options.clock.after(SAMPLED_EVERY_MS, () => {
      this.#sample()
      this.#cancel = this.#later()
    })
  }

  #sample(): void {
    const { clock, use: read, collect, giveBack, changed } = this.#options
    let use = read()
    const now = clock.now()
    if (this.#isShort(use, this.#high ? MARKS.low : MARKS.high) && now - this.#collectedAt >= COLLECTED_EVERY_MS) {
      // Much of it may be garbage, which the engine leaves lying about until it needs the room.
      this.#collectedAt = now
      collect()
      use = read()
    }
    const isWanted = this.#isShort(use, this.#isWanted ? MARKS.unwanted : MARKS.wanted)
    if (isWanted !== this.#isWanted) giveBack(isWanted)
    this.#isWanted = isWanted
    const high = this.#isShort(use, this.#high ? MARKS.low : MARKS.high)
    if (high === this.#high) return
    this.#high = high
    changed(high, use)
  }

  #isShort({ heap, anonymous }: MemoryUse, mark: number): boolean {
    const { ceilings } = this.#options
    return heap > mark * ceilings.heap || (ceilings.container !== undefined && anonymous > mark * ceilings.container)
  }
}

/** The young generation's part of V8's limit, unless that is set: three half-spaces of 32 MiB. */
const YOUNG_BYTES = 96 * 2 ** 20
/** A smaller rest is none: the limit was given with `--max-heap-size`, and the young generation has shrunk to fit. */
const LEAST_HEAP_BYTES = 32 * 2 ** 20

/** How much this process may take. Node reads the container's limit from its cgroup, of either version. */
export function memoryCeilings(): MemoryCeilings {
  const limit = getHeapStatistics().heap_size_limit
  const constrained = process.constrainedMemory()
  return {
    heap: limit - YOUNG_BYTES >= LEAST_HEAP_BYTES ? limit - YOUNG_BYTES : limit / 2,
    container: constrained > 0 && constrained < Number.MAX_SAFE_INTEGER ? constrained : undefined,
  }
}

function memoryUse(): MemoryUse {
  let heap = 0
  for (const { space_name, space_used_size } of getHeapSpaceStatistics()) {
    if (!space_name.startsWith('new_')) heap += space_used_size
  }
  return { heap, anonymous: anonymousBytes() }
}
