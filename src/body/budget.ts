/** Counts the memory of arriving bodies, so that many of them at once cannot exhaust it. */
export class BodyBudget {
  readonly #maxBytes: number
  #used = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get used(): number {
    return this.#used
  }

  get isSpent(): boolean {
    return this.#used > this.#maxBytes
  }

  /** @param bytes negative to give them back */
  take(bytes: number): void {
    this.#used += bytes
  }
}
