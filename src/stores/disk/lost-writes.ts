import type { DiskFile } from './file.ts'
import type { Shelf } from './shelf.ts'

/** In place of addresses: everything changes. */
export const EVERYTHING = Symbol('everything')

/** Where a write changes something. */
export type Addresses = readonly Buffer[] | typeof EVERYTHING

/** Beyond this, everything counts as lost. */
const MAX_REMEMBERED = 100_000
/** How many are removed at once: the process does nothing else meanwhile. */
const MAX_AT_ONCE = 1_000

/** A write on its way. If it succeeds, it makes up for what was lost at its addresses before it was sent. */
interface Attempt {
  /** To be run in `DiskFile.write`, before the write itself. */
  prepare(file: DiskFile, shelf: Shelf): void
  /** It is durable. */
  succeeded(): void
  /** It is lost as well. */
  failed(): void
}

/**
 * Remembers where writes were lost: what is there is too old, counts as absent, and has to be removed.
 */
export class LostWrites {
  /** How many writes have been lost so far. */
  #losses = 0
  /** The number of the loss by which everything was to change; 0 for none. */
  #everything = 0
  /** The number of the latest loss, in ascending order, by address. */
  readonly #byAddress = new Map<string, number>()
  /** How many writes are on their way, by address. */
  readonly #underway = new Map<string, number>()

  get areAny(): boolean {
    return this.#everything > 0 || this.#byAddress.size > 0
  }

  mayHave(address: Buffer): boolean {
    if (this.#everything > 0) return true
    return this.#byAddress.size > 0 && this.#byAddress.has(textOf(address))
  }

  isUnderway(address: Buffer): boolean {
    return this.#underway.has(textOf(address))
  }

  add(addresses: Addresses): void {
    this.#add(addresses === EVERYTHING ? EVERYTHING : addresses.map(textOf))
  }

  #add(texts: readonly string[] | typeof EVERYTHING): void {
    this.#losses += 1
    for (const text of texts === EVERYTHING ? [] : texts) {
      this.#byAddress.delete(text)
      this.#byAddress.set(text, this.#losses)
    }
    if (texts !== EVERYTHING && this.#byAddress.size <= MAX_REMEMBERED) return
    this.#everything = this.#losses
    this.#byAddress.clear()
  }

  /** To be called when a write at these addresses is sent. */
  begin(addresses: Addresses): Attempt {
    const texts = addresses === EVERYTHING ? [] : addresses.map(textOf)
    const upTo = this.#losses
    const everything = this.#everything
    for (const text of texts) this.#underway.set(text, (this.#underway.get(text) ?? 0) + 1)
    return {
      prepare: (file, shelf) => {
        if (everything > 0) shelf.clear(file)
      },
      succeeded: () => {
        this.#leave(texts)
        if (this.#everything === everything) this.#everything = 0
        for (const text of texts) if ((this.#byAddress.get(text) ?? Infinity) <= upTo) this.#byAddress.delete(text)
      },
      failed: () => {
        this.#leave(texts)
        this.#add(addresses === EVERYTHING ? EVERYTHING : texts)
      },
    }
  }

  /** Where writes were lost first, and none is on its way, which may be newer. */
  oldest(): Buffer[] {
    const texts = this.#byAddress.keys().filter((text) => !this.#underway.has(text))
    return [...texts.take(MAX_AT_ONCE)].map((text) => Buffer.from(text, 'latin1'))
  }

  #leave(texts: readonly string[]): void {
    for (const text of texts) {
      const others = (this.#underway.get(text) ?? 1) - 1
      if (others === 0) this.#underway.delete(text)
      else this.#underway.set(text, others)
    }
  }
}

const textOf = (address: Buffer): string => address.toString('latin1')
