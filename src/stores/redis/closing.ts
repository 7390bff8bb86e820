import type { Clock } from '../../model.ts'

/** The end of something that waits for much: it comes once, and cuts every wait short. */
export class Closing {
  readonly #clock: Clock
  readonly #begun = Promise.withResolvers<void>()
  #isBegun = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isBegun(): boolean {
    return this.#isBegun
  }

  /** Settles when it begins. */
  get begun(): Promise<void> {
    return this.#begun.promise
  }

  begin(): void {
    this.#isBegun = true
    this.#begun.resolve()
  }

  sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = this.#clock.after(ms, resolve)
    void this.begun.then(() => {
      cancel()
      resolve()
    })
    return promise
  }
}
