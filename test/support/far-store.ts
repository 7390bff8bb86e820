import type { Anew, Kept, Store, Stored, Written } from '../../src/model.ts'
import { decode, encode } from '../../src/stores/codec/codec.ts'
import { memoryStore } from '../../src/stores/memory/store.ts'

/**
 * A store that answers asynchronously with copies decoded from octets, as remote stores do. Its reads can be delayed or
 * fail.
 */
export class FarStore implements Store {
  readonly #inner = memoryStore({ maxBytes: '64MiB' })
  #gate: Promise<void> = Promise.resolve()
  #writeGate: Promise<void> = Promise.resolve()
  failing = false
  /** Writes are lost. */
  refusing = false
  reads = 0

  /** Delays reads from now on. @returns a function that releases them */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gate = promise
    return resolve
  }

  /** Delays writes from now on. @returns a function that releases them */
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

/** As another process would read it; undefined if it cannot be serialised. */
function copied(key: string, stored: Stored): Stored | undefined {
  const octets = encode(key, stored)
  return octets && decode(key, octets)
}
