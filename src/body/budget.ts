/** Counts the memory of bodies while they arrive, so that many of them at once cannot take it all. */
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

  /** @param bytes negative when they are given back */
  take(bytes: number): void {
    this.#used += bytes
  }
}
