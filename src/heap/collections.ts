import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'

/** What V8 does about garbage, by itself or because it was told to. */
export interface Collections {
  /** Calls `run` after each that has freed what became garbage young. */
  onYoung(run: () => void): void
  /**
   * Is all garbage being looked for, or has it just been found? A minor collection now would have to wait until all is
   * marked, or swept: some 100 ms instead of 3, with a large heap.
   */
  readonly isAllUnderWay: boolean
}

/** Marking takes less than that, unless nothing else happens. */
const MARKED_AFTER_MS = 10_000
/** What was found to be garbage is given back beside everything else. */
const SWEPT_AFTER_MS = 1_000

let watched: Watched | undefined

/** Those of this process; they are watched from the first call on. V8 tells of each some turns of the event loop later. */
export function collections(): Collections {
  watched ??= new Watched()
  return watched
}

class Watched implements Collections {
  readonly #runs: (() => void)[] = []
  /** Until when, by `performance.now()`. */
  #underWayUntil = Number.NEGATIVE_INFINITY

  constructor() {
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) this.#note(entry)
    })
    observer.observe({ entryTypes: ['gc'] })
  }

  onYoung(run: () => void): void {
    this.#runs.push(run)
  }

  get isAllUnderWay(): boolean {
    return performance.now() < this.#underWayUntil
  }

  #note(entry: PerformanceEntry): void {
    const kind = kindOf(entry)
    if (kind === constants.NODE_PERFORMANCE_GC_INCREMENTAL) {
      this.#underWayUntil = entry.startTime + MARKED_AFTER_MS
    } else if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) {
      this.#underWayUntil = entry.startTime + entry.duration + SWEPT_AFTER_MS
    }
    if (kind === constants.NODE_PERFORMANCE_GC_MAJOR || kind === constants.NODE_PERFORMANCE_GC_MINOR) {
      for (const run of this.#runs) run()
    }
  }
}

/** One of Node's `NODE_PERFORMANCE_GC_...`, of an entry that tells of a collection. */
export function kindOf(entry: PerformanceEntry): unknown {
  const detail: unknown = 'detail' in entry ? entry.detail : undefined
  return typeof detail === 'object' && detail !== null && 'kind' in detail ? detail.kind : undefined
}
