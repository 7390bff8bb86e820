import { AsyncLocalStorage } from 'node:async_hooks'

/** A load, from when it is called until it has ended, and the loads whose end it waits for. */
export class LoadInProgress {
  #awaited: Set<LoadInProgress> | undefined
  #hasEnded = false

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** What `load` does belongs to it until it has ended, and so does what that leads to. */
  async run<T>(load: () => Promise<T> | T): Promise<T> {
    this.#hasEnded = false
    try {
      return await RUNNING.run(this, load)
    } finally {
      this.#hasEnded = true
      this.#awaited = undefined
    }
  }

  waitsFor(other: LoadInProgress): void {
    this.#awaited ??= new Set()
    this.#awaited.add(other)
  }

  /** Is it the other, or does it end only after it? */
  needs(other: LoadInProgress, seen = new Set<LoadInProgress>()): boolean {
    if (this === other) return true
    seen.add(this)
    for (const awaited of this.#awaited ?? []) if (!seen.has(awaited) && awaited.needs(other, seen)) return true
    return false
  }
}

const RUNNING = new AsyncLocalStorage<LoadInProgress>()

/** The one that the code which runs now belongs to. */
export function currentLoad(): LoadInProgress | undefined {
  const load = RUNNING.getStore()
  return load === undefined || load.hasEnded ? undefined : load
}
