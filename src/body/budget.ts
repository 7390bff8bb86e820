import type { Pressure } from '../model.ts'
import { heldBytes } from './held.ts'

/** Counts the memory of bodies that are arriving, and of those that are being received but not stored. */
export class BodyBudget {
  readonly #maxBytes: number
  readonly #pressure: Pressure | undefined
  #used = 0

  /** @param pressure whether memory is short: then large bodies are not kept either */
  constructor(maxBytes: number, pressure?: Pressure) {
    this.#maxBytes = maxBytes
    this.#pressure = pressure
  }

  get used(): number {
    return this.#used
  }

  get isSpent(): boolean {
    return this.#used + heldBytes() > this.#maxBytes
  }

  get isMemoryShort(): boolean {
    return this.#pressure?.high === true
  }

  /** @param bytes negative to give them back */
  take(bytes: number): void {
    this.#used += bytes
  }
}
