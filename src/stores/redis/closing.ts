import type { Clock } from '../../model.ts'

/** The end of something that waits for much: it comes once, and cuts every wait short. */
export class Closing {
  readonly #clock: Clock
  /** Not a promise, which would keep for as long as it lasts whatever has ever waited for it. */
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
   * Calls `run` when it begins, if that is yet to come.
   * @returns forgets about it
   */
  onBegin(run: () => void): () => void {
    if (!this.#isBegun) this.#waiting.add(run)
    return () => void this.#waiting.delete(run)
  }

  /** Waits for what does not reject, as long as this does not begin. */
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
