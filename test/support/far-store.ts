import type { Anew, Kept, Store, Stored, Written } from '../../src/model.ts'
import { decode, encode } from '../../src/stores/codec/codec.ts'
import { memoryStore } from '../../src/stores/memory/store.ts'

/**
 * A store that answers later, with copies made from octets, as those do that are asked over a network; its reads can be held
 * up, or fail.
 */
export class FarStore implements Store {
  readonly #inner = memoryStore({ maxBytes: '64MiB' })
  #gate: Promise<void> = Promise.resolve()
  #writeGate: Promise<void> = Promise.resolve()
  failing = false
  /** Loses what is to be put. */
  refusing = false
  reads = 0

  /** From now on reads wait. @returns lets them go on */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gate = promise
    return resolve
  }

  /** From now on writes wait. @returns lets them go on */
  holdWrites(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#writeGate = promise
    return resolve
  }

  async get(key: string, _anew?: Anew): Promise<Kept> {
    this.reads++
    const kept = await this.#inner.get(key)
    await this.#gate
    if (this.failing || kept === undefined || kept === 'unknown') return this.failing ? 'unknown' : kept
    return copied(key, kept)
  }

  async getMany(keys: readonly string[]): Promise<readonly Kept[]> {
    return Promise.all(keys.map((key) => this.get(key)))
  }

  async set(key: string, stored: Stored, keepForMs: number): Promise<Written> {
    const copy = copied(key, stored)
    if (this.refusing || copy === undefined) return 'lost'
    await this.#writeGate
    await this.#inner.set(key, copy, keepForMs)
  }

  async setMany(writes: Parameters<Store['setMany']>[0]): Promise<void> {
    await Promise.all(writes.map(({ key, stored, keepForMs }) => this.set(key, stored, keepForMs)))
  }

  async delete(key: string): Promise<void> {
    await this.#writeGate
    await this.#inner.delete(key)
  }

  async deleteMany(keys: readonly string[]): Promise<void> {
    await this.#writeGate
    await this.#inner.deleteMany(keys)
  }

  async clear(): Promise<void> {
    await this.#writeGate
    await this.#inner.clear()
  }

  async close(): Promise<void> {
    await this.#inner.close()
  }

  usage() {
    return this.#inner.usage()
  }
}

/** As another process has it; undefined where it cannot be told to another. */
function copied(key: string, stored: Stored): Stored | undefined {
  const octets = encode(key, stored)
  return octets && decode(key, octets)
}
