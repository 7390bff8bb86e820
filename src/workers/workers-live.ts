import type { Statistics } from '../cache/statistics.ts'
import { type Live, MOST_WATCHERS, type Snapshot } from '../live/live.ts'
import type { Clock } from '../model.ts'
import { sumOfSnapshots } from './snapshots.ts'

export interface WorkersLiveParts {
  readonly clock: Clock
  /** As last heard of all workers. */
  readonly stats: () => Statistics
  /** Tells all workers whether anybody watches; again and again, for those that have come since. */
  readonly want: (wanted: boolean) => void
}

const SNAPSHOT_MS = 1_000

/** What happens in all workers together. While nobody watches they tell nothing. */
export class WorkersLive implements Live {
  readonly #parts: WorkersLiveParts
  readonly #watchers = new Set<(snapshot: Snapshot) => void>()
  #told: Snapshot[] = []
  #stop: (() => void) | undefined

  constructor(parts: WorkersLiveParts) {
    this.#parts = parts
  }

  /** Takes what a worker tells. */
  told(snapshot: Snapshot): void {
    if (this.#watchers.size > 0) this.#told.push(snapshot)
  }

  watch(watcher: (snapshot: Snapshot) => void): (() => void) | undefined {
    if (this.#watchers.size >= MOST_WATCHERS) return undefined
    this.#watchers.add(watcher)
    if (this.#stop === undefined) this.#tick()
    return () => {
      if (!this.#watchers.delete(watcher) || this.#watchers.size > 0) return
      this.#stop?.()
      this.#stop = undefined
      this.#told = []
      this.#parts.want(false)
    }
  }

  #tick(): void {
    const { clock, stats, want } = this.#parts
    want(true)
    const [first, ...rest] = this.#told.splice(0)
    if (first !== undefined) {
      const sum = sumOfSnapshots([first, ...rest], stats())
      for (const watcher of this.#watchers) watcher(sum)
    }
    this.#stop = clock.after(SNAPSHOT_MS, () => this.#tick())
  }
}
