import type { Events } from '../../events.ts'
import type { Yielding } from '../../heap/memory-pressure.ts'
import type { TierUsage } from '../../model.ts'
import { PlainLru } from '../../stores/memory/plain-lru.ts'
import { YieldingLimit } from '../../stores/memory/yielding-limit.ts'

/** What map, list and buffer take for each copy, in bytes. */
const RECORD = 400

/** Copies of all workers, as octets in their primary: what one of them fetched the others need not fetch. */
export class SharedMemory implements Yielding {
  readonly #kept: PlainLru<Uint8Array>
  readonly #limit: YieldingLimit

  constructor({ maxBytes, events }: { readonly maxBytes: number; readonly events: Events }) {
    this.#kept = new PlainLru({
      maxBytes,
      onEviction(why) {
        if (why === 'size') events.emit('eviction', { tier: 'memory', reason: 'size' })
      },
    })
    this.#limit = new YieldingLimit(maxBytes, this.#kept)
  }

  get(key: string): Uint8Array | undefined {
    return this.#kept.get(key)
  }

  /**
   * Keeps a copy of the octets: those of a message are part of something larger.
   * @returns whether there is room for it
   */
  put(key: string, octets: Uint8Array): boolean {
    this.#kept.set(key, new Uint8Array(octets), octets.length + key.length + RECORD)
    return this.#kept.peek(key) !== undefined
  }

  forget(keys: readonly string[]): void {
    for (const key of keys) this.#kept.delete(key)
  }

  clear(): void {
    this.#kept.clear()
  }

  giveWay(): number {
    return this.#limit.giveWay()
  }

  regain(): number {
    return this.#limit.regain()
  }

  usage(): readonly TierUsage[] {
    const { bytes, size: objects } = this.#kept
    return [{ tier: 'memory', bytes, maxBytes: this.#limit.maxBytes, objects }]
  }
}
