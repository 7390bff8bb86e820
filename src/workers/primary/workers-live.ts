import type { Statistics } from '../../cache/statistics.ts'
import { type Live, MAX_WATCHERS, type Snapshot } from '../../live/live.ts'
import type { Clock } from '../../model.ts'
import { sumOfSnapshots } from './snapshots.ts'

export interface WorkersLiveParts {
  readonly clock: Clock
  /** Those of all workers, as last reported. */
  readonly stats: () => Statistics
  /** Tells all workers whether anybody watches; repeated for those that have started since. */
  readonly setWatched: (wanted: boolean) => void
}

const SNAPSHOT_MS = 1_000

/** What happens in all workers together. While nobody watches they report nothing. */
export class WorkersLive implements Live {
  readonly #parts: WorkersLiveParts
  readonly #watchers = new Set<(snapshot: Snapshot) => void>()
  /** By worker, its snapshots that have not been passed on; no list is empty. */
  readonly #pending = new Map<object, Snapshot[]>()
  #stop: (() => void) | undefined

  constructor(parts: WorkersLiveParts) {
    this.#parts = parts
  }

  /** Takes a snapshot of a worker. */
  add(worker: object, snapshot: Snapshot): void {
    if (this.#watchers.size === 0) return
    const waiting = this.#pending.get(worker)
    if (waiting === undefined) this.#pending.set(worker, [snapshot])
    else waiting.push(snapshot)
  }

  watch(watcher: (snapshot: Snapshot) => void): (() => void) | undefined {
    if (this.#watchers.size >= MAX_WATCHERS) return undefined
    this.#watchers.add(watcher)
    if (this.#stop === undefined) this.#tick()
    return () => {
      if (!this.#watchers.delete(watcher) || this.#watchers.size > 0) return
      this.#stop?.()
      this.#stop = undefined
      this.#pending.clear()
      this.#parts.setWatched(false)
    }
  }

  #tick(): void {
    const { clock, setWatched } = this.#parts
    setWatched(true)
    this.#stop = clock.after(SNAPSHOT_MS, () => this.#tick())
    do this.#send()
    while ([...this.#pending.values()].some(({ length }) => length > 1))
  }

  /** Passes on one snapshot of each worker: a second one that came early is left for the next time. */
  #send(): void {
    const [first, ...rest] = [...this.#pending.values()].flatMap((waiting) => waiting.splice(0, 1))
    for (const [worker, { length }] of this.#pending) if (length === 0) this.#pending.delete(worker)
    if (first === undefined) return
    const sum = sumOfSnapshots([first, ...rest], this.#parts.stats())
    for (const watcher of this.#watchers) watcher(sum)
  }
}
