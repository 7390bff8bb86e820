import type { EvictionReason } from '../../events.ts'
import type { DiskFile } from './file.ts'
import type { Shelf } from './shelf.ts'

/** In place of addresses: the write was to change everything. */
export const EVERYTHING = Symbol('everything')

const MAX_REMEMBERED = 10_000

/** Makes up for the writes lost so far. */
interface Remedy {
  /** To be run in `DiskFile.write`, before the next write. @returns a reason for each entry removed */
  apply(file: DiskFile, shelf: Shelf): EvictionReason[]
  /** The removal is durable: these losses may be forgotten. */
  done(): void
}

/**
 * Remembers where writes were lost: what is there is too old, counts as absent, and is removed with the next write that
 * succeeds.
 */
export class LostWrites {
  /** A new object each time, so that a loss during a remedy is still known after it. */
  #everything: object | undefined
  readonly #addresses = new Map<string, Buffer>()

  add(addresses: readonly Buffer[] | typeof EVERYTHING): void {
    for (const address of addresses === EVERYTHING ? [] : addresses) {
      this.#addresses.set(address.toString('latin1'), address)
    }
    if (addresses !== EVERYTHING && this.#addresses.size <= MAX_REMEMBERED) return
    this.#everything = {}
    this.#addresses.clear()
  }

  mayHave(address: Buffer): boolean {
    if (this.#everything !== undefined) return true
    return this.#addresses.size > 0 && this.#addresses.has(address.toString('latin1'))
  }

  remedy(): Remedy {
    const everything = this.#everything
    const addresses = [...this.#addresses]
    return {
      apply(file, shelf) {
        if (everything !== undefined) shelf.clear(file)
        return addresses.flatMap(([, address]) => shelf.remove(file, address, 'replaced'))
      },
      done: () => {
        if (this.#everything === everything) this.#everything = undefined
        for (const [text, address] of addresses) {
          if (this.#addresses.get(text) === address) this.#addresses.delete(text)
        }
      },
    }
  }
}
