import type { EvictionReason } from '../../events.ts'
import type { DiskFile } from './file.ts'
import type { Shelf } from './shelf.ts'

/** The addresses of a write that was to change all there is. */
export const EVERYTHING = Symbol('everything')

const MOST_REMEMBERED = 10_000

/** Makes good what was lost until now. */
interface Remedy {
  /** To be run in `DiskFile.write`, before what is to be written then. @returns what was removed */
  apply(file: DiskFile, shelf: Shelf): EvictionReason[]
  /** It is durable: no more need be known of it. */
  done(): void
}

/**
 * Where writes were lost: what stands there is older than it should be, so it is not there for us, and is removed with
 * the next write that succeeds.
 */
export class LostWrites {
  /** A new one each time, so that what is lost while another loss is made good stays known. */
  #everything: object | undefined
  readonly #addresses = new Map<string, Buffer>()

  add(addresses: readonly Buffer[] | typeof EVERYTHING): void {
    for (const address of addresses === EVERYTHING ? [] : addresses) {
      this.#addresses.set(address.toString('latin1'), address)
    }
    if (addresses !== EVERYTHING && this.#addresses.size <= MOST_REMEMBERED) return
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
