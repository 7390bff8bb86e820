import type { Anew, Kept, Store, Written } from '../../src/model.ts'
import { memoryStore } from '../../src/stores/memory/store.ts'

/** A store that answers later, as those do that are asked over a network; its reads can be held up, or fail. */
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
    return this.failing ? 'unknown' : kept
  }

  async getMany(keys: readonly string[]): Promise<readonly Kept[]> {
    return Promise.all(keys.map((key) => this.get(key)))
  }

  async set(...write: Parameters<Store['set']>): Promise<Written> {
    if (this.refusing) return 'lost'
    await this.#writeGate
    await this.#inner.set(...write)
  }

  async setMany(writes: Parameters<Store['setMany']>[0]): Promise<void> {
    await this.#writeGate
    await this.#inner.setMany(writes)
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
