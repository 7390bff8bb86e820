/** Counts readers per chunk, to know whether any is still at a chunk without iterating over all of them. */
export class Positions {
  readonly #readers = new Map<number, number>()

  has(chunk: number): boolean {
    return this.#readers.has(chunk)
  }

  enter(chunk: number): void {
    this.#readers.set(chunk, (this.#readers.get(chunk) ?? 0) + 1)
  }

  leave(chunk: number): void {
    const others = (this.#readers.get(chunk) ?? 0) - 1
    if (others > 0) this.#readers.set(chunk, others)
    else this.#readers.delete(chunk)
  }
}
