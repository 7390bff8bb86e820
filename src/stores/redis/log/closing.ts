import type { Clock } from '../../../model.ts'

/** The shutdown of something with many waits: it begins once, and cuts every wait short. */
export class Closing {
  readonly #clock: Clock
  /** Not a promise, which would keep hold of everything that ever waited for it. */
  readonly #waiting = new Set<() => void>()
  #isBegun = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isBegun(): boolean {
    return this.#isBegun
  }

  begin(): void {
    this.#isBegun = true
    for (const run of this.#waiting) run()
    this.#waiting.clear()
  }

  /**
   * Calls `run` when it begins, unless it has begun.
   * @returns a function that takes this back
   */
  onBegin(run: () => void): () => void {
    if (!this.#isBegun) this.#waiting.add(run)
    return () => void this.#waiting.delete(run)
  }

  /** Waits for `done`, which must not reject, or until this begins. */
  async orBegun(done: Promise<unknown>): Promise<void> {
    if (this.#isBegun) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const forget = this.onBegin(resolve)
    void done.then(() => resolve())
    await promise
    forget()
  }

  async sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = this.#clock.after(ms, resolve)
    await this.orBegun(promise)
    cancel()
  }
}
