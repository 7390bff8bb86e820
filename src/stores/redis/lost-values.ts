import type { Awaitable, Clock } from '../../model.ts'

export interface LostValuesParts {
  readonly clock: Clock
  /** Removes what is at these keys. @returns whether that has succeeded, in the order of the keys; never rejects */
  readonly remove: (keys: readonly string[]) => Promise<readonly boolean[]>
}

/** Beyond this the key that was lost first is forgotten: what is stored there may be used again. */
const MAX_REMEMBERED = 10_000
const REMOVED_AT_ONCE = 1_000
/** How often removing is tried while it fails. */
const RETRY_MS = 1_000

/**
 * Remembers keys at which a value could not be put (for the disk: stores/disk/lost-writes.ts). What is stored there is
 * older than what the caller put, so it counts as absent in this process, and is removed as soon as possible. Responses
 * are not remembered: they say themselves how long they may be used.
 */
export class LostValues {
  readonly #clock: Clock
  readonly #remove: LostValuesParts['remove']
  /** The number of the write that was lost, by key. */
  readonly #lostBy = new Map<string, number>()
  #lastWrite = 0
  #cancel: (() => void) | undefined
  #closed = false

  constructor({ clock, remove }: LostValuesParts) {
    this.#clock = clock
    this.#remove = remove
  }

  /** To be called when a write is sent: if it succeeds, it makes up for what was lost before. */
  beginWrite(): number {
    return ++this.#lastWrite
  }

  has(key: string): boolean {
    return this.#lostBy.size > 0 && this.#lostBy.has(key)
  }

  add(key: string, write: number): void {
    this.#putLast(key, Math.max(this.#lostBy.get(key) ?? 0, write))
    if (this.#lostBy.size > MAX_REMEMBERED) for (const first of this.#first(1)) this.#lostBy.delete(first)
    this.#removeLater()
  }

  /** What is stored there is newer by now, or nothing is. */
  forget(key: string, write: number): void {
    const lost = this.#lostBy.size > 0 ? this.#lostBy.get(key) : undefined
    if (lost !== undefined && lost <= write) this.#lostBy.delete(key)
  }

  /** Tries to remove the rest once more. */
  close(): Awaitable<void> {
    this.#closed = true
    this.#cancel?.()
    return this.#lostBy.size === 0 ? undefined : this.#removeAll()
  }

  #removeLater(): void {
    if (this.#closed) return
    this.#cancel ??= this.#clock.after(RETRY_MS, () => {
      this.#cancel = undefined
      void this.#removeAll().then(() => this.#lostBy.size > 0 && this.#removeLater())
    })
  }

  /** Goes on as long as it succeeds. */
  async #removeAll(): Promise<void> {
    for (let isPossible = true; isPossible && this.#lostBy.size > 0; ) {
      const write = this.beginWrite()
      const keys = this.#first(REMOVED_AT_ONCE)
      const removed = await this.#remove(keys)
      for (const [at, key] of keys.entries()) {
        if (removed[at] === true) this.forget(key, write)
        else this.#putOff(key)
      }
      isPossible = removed.includes(true)
    }
  }

  /** Tries the other keys first: they may be on a server that can be reached. */
  #putOff(key: string): void {
    const write = this.#lostBy.get(key)
    if (write !== undefined) this.#putLast(key, write)
  }

  #putLast(key: string, write: number): void {
    this.#lostBy.delete(key)
    this.#lostBy.set(key, write)
  }

  #first(count: number): string[] {
    return [...this.#lostBy.keys().take(count)]
  }
}
