/** Notices when memory runs short, early enough to keep the process alive. */
import { getHeapSpaceStatistics } from 'node:v8'
import { anonymousBytes } from './anonymous-memory.ts'
import { collectAll, giveBackMemory } from './collector.ts'
import type { MemoryCeilings } from './memory-ceilings.ts'
import { kernelBytes } from './connection-memory.ts'
import { type ContentListener, onContent } from './content-volume.ts'
import type { Clock } from '../model.ts'

/** Bytes in use. */
export interface MemoryUse {
  /** Of the heap's old generation: what the engine ends the process for when it runs out. */
  readonly heap: number
  /** Of the whole process, except what the kernel can reclaim: most of what a container is killed for. */
  readonly anonymous: number
}

/** What can give up some of its memory. */
export interface Yielding {
  /** Gives up some of what it holds, and is limited to the rest. @returns bytes; 0 when nothing more can go */
  giveWay(): number
  /** Raises the limit a little. @returns bytes; 0 when it is the original one */
  regain(): number
}

export interface MemoryPressureOptions {
  readonly clock: Clock
  readonly ceilings: MemoryCeilings
  /**
   * Is more than this share of the container in use? While it is not, a process may exceed its part a little; by default
   * it is.
   */
  readonly isContainerFull?: (share: number) => boolean
  /** Gives way before any request is refused. */
  readonly store: Yielding
  readonly use?: () => MemoryUse
  /** Frees garbage, so that `use` shows what is really in use. */
  readonly collect?: () => void
  /** Says whether unused memory should be given back from now on. */
  readonly giveBack?: (isWanted: boolean) => void
  /** Reports content by volume. */
  readonly onContent?: (listener: ContentListener) => () => void
  readonly changed: (high: boolean, use: MemoryUse) => void
  /** As `changed`, for `exhausted`. */
  readonly exhaustion?: (isExhausted: boolean, use: MemoryUse) => void
}

/** The closer to the limit, the more often. */
const SAMPLED_EVERY_MS = { usually: 100, whereWanted: 20 }
/** Shares of a ceiling: memory is short from `high` until below `low`, wanted back from `wanted` until `unwanted`. */
const THRESHOLDS = { high: 0.9, low: 0.85, wanted: 0.75, unwanted: 0.7 }
/** Share of its part that one of several processes may use while the container is not full. */
const MAX_EXCESS = 1.1
/** Kept free of the container, however much is spare: the kernel also counts sockets and page tables. */
const RESERVE = { share: 0.03, leastBytes: 8 * 2 ** 20 }
/**
 * Memory is exhausted from this share of a ceiling until as much less is used; in a small container it is when little
 * more is left than what is kept free.
 */
const EXHAUSTED = { share: 0.95, reserves: 1.5, until: 0.025 }
/**
 * Collecting blocks the process: it then rests for N times as long as it took, in ms within these bounds, or until the
 * process has grown by as much as is kept free.
 */
const RESTS = { times: 10, leastMs: 500, mostMs: 10_000 }
/** What the store gave up in a burst it may take back, but slowly: it may be too large in itself. */
const REGAINED_EVERY_MS = 60_000

const DEFAULTS = {
  isContainerFull: () => true,
  use: memoryUse,
  collect: collectAll,
  giveBack: giveBackMemory,
  onContent,
  exhaustion: () => {},
}

export class MemoryPressure {
  readonly #options: Required<MemoryPressureOptions>
  #high = false
  #exhausted = false
  #isWantedBack = false
  /** No collection before then. */
  #restsUntil = Number.NEGATIVE_INFINITY
  /** The process's bytes after the last collection. */
  #collectedTo = 0
  /** When the store may hold more again; never, unless it has given way. */
  #regainsAt = Number.POSITIVE_INFINITY
  /** Bytes that the store has given up but malloc still holds: reusable, though counted as the process's. */
  #spare = 0
  #cancel: () => void
  readonly #stopListening: () => void

  constructor(options: MemoryPressureOptions) {
    this.#options = { ...DEFAULTS, ...options }
    this.#cancel = this.#later()
    this.#stopListening = this.#options.onContent((soon) => this.#sample(soon))
  }

  /** Memory is short: what needs more of it should be refused. */
  get high(): boolean {
    return this.#high
  }

  /** Hardly any memory is left: whatever else would take some should not begin. */
  get exhausted(): boolean {
    return this.#exhausted
  }

  close(): void {
    this.#cancel()
    this.#stopListening()
  }

  #later(): () => void {
    const { usually, whereWanted } = SAMPLED_EVERY_MS
    return this.#options.clock.after(this.#isWantedBack ? whereWanted : usually, () => {
      this.#sample()
      this.#cancel = this.#later()
    })
  }

  /** @param soon bytes that are about to be taken */
  #sample(soon = 0): void {
    const { clock, giveBack, changed } = this.#options
    let use = this.#use(soon)
    const now = clock.now()
    const short = this.#shortNow(use)
    const isCollected = isEither(short) && (now >= this.#restsUntil || this.#hasGrown(use))
    if (isCollected) {
      use = this.#makeRoom(short, soon)
      const collected = clock.now()
      this.#collectedTo = use.anonymous
      this.#restsUntil = collected + Math.min(Math.max((collected - now) * RESTS.times, RESTS.leastMs), RESTS.mostMs)
    }
    const isWantedBack = isEither(this.#short(use, this.#isWantedBack ? THRESHOLDS.unwanted : THRESHOLDS.wanted))
    if (isWantedBack !== this.#isWantedBack) giveBack(isWantedBack)
    if (now >= this.#regainsAt && !isEither(this.#short(use, THRESHOLDS.low, this.#spare))) this.#regain(now)
    this.#isWantedBack = isWantedBack
    const high = isCollected ? isEither(this.#shortNow(use, true)) : isEither(short) && !this.#mayWait(use, short)
    if (high !== this.#high) {
      this.#high = high
      changed(high, use)
    }
    this.#noteExhaustion(use)
  }

  #noteExhaustion(use: MemoryUse): void {
    const isExhausted = this.#isExhaustedBy(use)
    if (isExhausted === this.#exhausted) return
    this.#exhausted = isExhausted
    this.#options.exhaustion(isExhausted, use)
  }

  /** Whatever is spare, whatever the last collection left: before the next one it may be too late. */
  #isExhaustedBy({ heap, anonymous }: MemoryUse): boolean {
    const { ceilings, isContainerFull } = this.#options
    const { heap: heapBytes, container } = ceilings
    const less = this.#exhausted ? EXHAUSTED.until : 0
    const share = EXHAUSTED.share - less
    if (heap > share * heapBytes) return true
    if (container === undefined) return false
    const most = Math.max(container - EXHAUSTED.reserves * reserveOf(container), THRESHOLDS.high * container)
    return anonymous > most - less * container && isContainerFull(share)
  }

  #use(soon: number): MemoryUse {
    const { heap, anonymous } = this.#options.use()
    return { heap, anonymous: anonymous + soon }
  }

  /**
   * Has the process grown since the last collection by what is kept free, or half of it while hardly more is left?
   * After its rest it may be too late.
   */
  #hasGrown(use: MemoryUse): boolean {
    return this.#growthInReserves(use) > (this.#exhausted ? 0.5 : 1)
  }

  /**
   * Did the last collection leave enough, and has the process grown by less than half of what is kept free since? Then
   * the next collection decides: a process that is as large as it may be exceeds that with every few requests.
   */
  #mayWait(use: MemoryUse, { heap }: Short): boolean {
    return !this.#high && !heap && this.#growthInReserves(use) < 0.5
  }

  #growthInReserves({ anonymous }: MemoryUse): number {
    const { container = Number.POSITIVE_INFINITY } = this.#options.ceilings
    return (anonymous - this.#collectedTo) / reserveOf(container)
  }

  /** Much may be garbage that the engine has not collected yet; if that is not enough, the store gives way. */
  #makeRoom(short: Short, soon: number): MemoryUse {
    const { clock, collect } = this.#options
    collect()
    const use = this.#use(soon)
    const given = this.#giveWay(use, short)
    if (given === 0) return use
    collect()
    const left = this.#use(soon)
    this.#regainsAt = clock.now() + REGAINED_EVERY_MS
    this.#spare = Math.max(0, this.#spare + given - (use.anonymous - left.anonymous))
    return left
  }

  /**
   * Makes the store give way until enough of the heap would be free; for the container only once, as what is given up
   * is spare. @returns bytes
   */
  #giveWay({ heap, anonymous }: MemoryUse, short: Short): number {
    let given = 0
    for (;;) {
      const still = this.#short({ heap: heap - given, anonymous }, THRESHOLDS.wanted, this.#spare)
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

  /**
   * The lower threshold ends what the high one began, so that the two do not take turns. Not for the container once
   * everything is collected: what malloc keeps it may keep for good, and every miss would be refused for as long.
   */
  #shortNow(use: MemoryUse, isCollected = false): Short {
    const threshold = this.#high ? THRESHOLDS.low : THRESHOLDS.high
    const { heap } = this.#short(use, threshold)
    return { heap, container: this.#isContainerShort(use, isCollected ? THRESHOLDS.high : threshold) }
  }

  #isContainerShort(use: MemoryUse, threshold: number): boolean {
    const { container } = this.#short(use, threshold, this.#spare)
    return container && (this.#isFarOver(use, threshold) || this.#options.isContainerFull(threshold))
  }

  /** By more than it may exceed its part: others could not start again. */
  #isFarOver({ anonymous }: MemoryUse, threshold: number): boolean {
    const { container } = this.#options.ceilings
    return container !== undefined && anonymous > (MAX_EXCESS - THRESHOLDS.high + threshold) * container
  }

  /** Of which ceiling is more than this share in use? */
  #short({ heap, anonymous }: MemoryUse, threshold: number, spare = 0): Short {
    const { heap: heapBytes, container } = this.#options.ceilings
    return {
      heap: heap > threshold * heapBytes,
      container:
        container !== undefined && anonymous > Math.min(threshold * container + spare, mostOf(container, threshold)),
    }
  }
}

/** Which of the two is short. */
interface Short {
  readonly heap: boolean
  readonly container: boolean
}

const isEither = ({ heap, container }: Short): boolean => heap || container

/** The most that may be in use, however much is spare. The lower threshold stays as far below the high one as ever. */
function mostOf(container: number, threshold: number): number {
  const most = Math.max(container - reserveOf(container), THRESHOLDS.high * container)
  return most - (THRESHOLDS.high - threshold) * container
}

const reserveOf = (container: number): number => Math.max(RESERVE.share * container, RESERVE.leastBytes)

function memoryUse(): MemoryUse {
  let heap = 0
  for (const { space_name, space_used_size } of getHeapSpaceStatistics()) {
    if (!space_name.startsWith('new_')) heap += space_used_size
  }
  return { heap, anonymous: anonymousBytes() + kernelBytes() }
}
