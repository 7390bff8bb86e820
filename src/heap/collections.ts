import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'

/** V8's garbage collections, whether it began them by itself or was told to. */
export interface Collections {
  /** Calls `run` after each collection that has freed young garbage. */
  onYoung(run: () => void): void
  /**
   * Is a major collection under way, or has it just marked everything? A minor collection would then have to wait for
   * marking or sweeping to end: some 100 ms instead of 3, with a large heap.
   */
  readonly isMajorUnderWay: boolean
}

/** Marking takes less than this, unless the process is idle. */
const MARKED_AFTER_MS = 10_000
/** After marking, sweeping goes on for about this long beside everything else. */
const SWEPT_AFTER_MS = 1_000

let observed: ObservedCollections | undefined

/** The collections of this process, observed from the first call on; reported some turns of the event loop late. */
export function collections(): Collections {
  observed ??= new ObservedCollections()
  return observed
}

class ObservedCollections implements Collections {
  readonly #listeners: (() => void)[] = []
  /** When a major collection is taken to be over, by `performance.now()`. */
  #underWayUntil = Number.NEGATIVE_INFINITY

  constructor() {
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) this.#note(entry)
    })
    observer.observe({ entryTypes: ['gc'] })
  }

  onYoung(run: () => void): void {
    this.#listeners.push(run)
  }

  get isMajorUnderWay(): boolean {
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
      for (const run of this.#listeners) run()
    }
  }
}

/** The kind of a collection, one of Node's `NODE_PERFORMANCE_GC_...`. */
export function kindOf(entry: PerformanceEntry): unknown {
  const detail: unknown = 'detail' in entry ? entry.detail : undefined
  return typeof detail === 'object' && detail !== null && 'kind' in detail ? detail.kind : undefined
}
