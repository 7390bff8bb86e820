import type { RememberedReads } from '../cache/engine/reads.ts'

/** Carries the lookups of an unanswered request from the lane past node:http, within a turn of the event loop. */
export class HandOver {
  #reads: RememberedReads | undefined

  put(reads: RememberedReads): void {
    this.#reads = reads
  }

  take(): RememberedReads | undefined {
    const reads = this.#reads
    this.#reads = undefined
    return reads
  }
}
