/** Gets unreachable buffers collected before many of them have gathered. */
import { getHeapStatistics } from 'node:v8'
import type { Clock } from '../model.ts'
import { collections } from './collections.ts'
import { collectYoung } from './collector.ts'
import { memoryCeilings } from './memory-ceilings.ts'

export interface DeadBuffersOptions {
  readonly clock: Clock
  /** Bytes that are certainly in use, such as those of a store with all that it counts: no garbage. */
  readonly held: () => number
  /** Bytes outside the heap that belong to objects in it, garbage included. */
  readonly external?: () => number
  /** Frees those whose objects are young garbage, as most are. */
  readonly collectYoung?: () => void
  /** Makes the engine begin a concurrent collection. Returns a function to call once it has begun. */
  readonly begin?: () => () => void
  /** Is the engine already collecting, or still sweeping? */
  readonly isUnderWay?: () => boolean
}

const SAMPLED_EVERY_MS = 100
/** Garbage may gather up to this many bytes, or this share of what is certainly in use, whichever is more. */
const MAX_GARBAGE = { bytes: 8 * 2 ** 20, share: 0.25 }
/** A collection is begun no more often than this: a large heap takes a while to mark. */
const BEGUN_EVERY_MS = 10_000
/** After this much growth V8 begins by itself. */
const OWN_LIMIT_BYTES = 64 * 2 ** 20

/**
 * Copies that left the memory store are garbage of the old generation, which V8 does not collect until buffers have
 * grown by 64 MiB, however small the store: docs/decisions/heap/dead-buffers.md.
 */
export class DeadBuffers {
  readonly #clock: Clock
  readonly #held: () => number
  readonly #external: () => number
  readonly #collectYoung: () => void
  readonly #begin: () => () => void
  readonly #isUnderWay: () => boolean
  /** The least external memory since the last collection, less what is certainly in use; may be negative. */
  #leastUnaccounted = Number.POSITIVE_INFINITY
  #begun: (() => void) | undefined
  #begunAt = Number.NEGATIVE_INFINITY
  #cancel: () => void

  constructor(options: DeadBuffersOptions) {
    this.#clock = options.clock
    this.#held = options.held
    this.#external = options.external ?? externalBytes
    this.#collectYoung = options.collectYoung ?? collectYoung
    this.#begin = options.begin ?? beginCollection
    this.#isUnderWay = options.isUnderWay ?? watchCollections()
    this.#cancel = this.#later()
  }

  close(): void {
    this.#cancel()
    this.#giveBack()
  }

  #later(): () => void {
    return this.#clock.after(SAMPLED_EVERY_MS, () => {
      this.#sample()
      this.#cancel = this.#later()
    })
  }

  #sample(): void {
    this.#giveBack()
    const now = this.#clock.now()
    if (!this.#hasGathered() || now - this.#begunAt < BEGUN_EVERY_MS || this.#isUnderWay()) return
    this.#collectYoung()
    if (!this.#hasGathered()) return
    this.#leastUnaccounted = this.#unaccounted
    this.#begunAt = now
    this.#begun = this.#begin()
  }

  #giveBack(): void {
    this.#begun?.()
    this.#begun = undefined
  }

  #hasGathered(): boolean {
    const unaccounted = this.#unaccounted
    this.#leastUnaccounted = Math.min(this.#leastUnaccounted, unaccounted)
    return unaccounted - this.#leastUnaccounted >= Math.max(MAX_GARBAGE.bytes, MAX_GARBAGE.share * this.#held())
  }

  get #unaccounted(): number {
    return this.#external() - this.#held()
  }
}

function watchCollections(): () => boolean {
  const v8 = collections()
  return () => v8.isMajorUnderWay
}

const externalBytes = (): number => getHeapStatistics().external_memory

/**
 * The only way for a program to begin V8's incremental and concurrent marking: `gc()` blocks everything until all is
 * marked. A buffer as large as what V8 lets gather makes it begin at once. Nobody writes to the buffer, so that it
 * takes address space but no memory; it is given back when the next sample is taken.
 */
function beginCollection(): () => void {
  if (externalBytes() + OWN_LIMIT_BYTES > memoryCeilings().heap / 2) return NOTHING // V8 would block everything as well
  try {
    const buffer = new ArrayBuffer(OWN_LIMIT_BYTES)
    return () => void buffer.transfer(0)
  } catch {
    return NOTHING // no address space is left
  }
}

const NOTHING = (): void => {}
