/** Counts the memory of arriving bodies, so that many of them at once cannot exhaust it. */
export class BodyBudget {
  readonly #maxBytes: number
  readonly #pressure: { readonly high: boolean } | undefined
  #used = 0

  /** @param pressure whether memory is short: then large bodies are not kept either */
  constructor(maxBytes: number, pressure?: { readonly high: boolean }) {
    this.#maxBytes = maxBytes
    this.#pressure = pressure
  }

  get used(): number {
    return this.#used
  }

  get isSpent(): boolean {
    return this.#used > this.#maxBytes
  }

  get isMemoryShort(): boolean {
    return this.#pressure?.high === true
  }

  /** @param bytes negative to give them back */
  take(bytes: number): void {
    this.#used += bytes
  }
}
