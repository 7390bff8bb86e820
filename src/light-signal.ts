import type { Signal } from './model.ts'

/**
 * An abort signal for one request. Node's own take many times longer to make and to combine (`AbortSignal.any`), and
 * are kept until the next major collection.
 */
export class LightSignal implements Signal {
  readonly #outer: Signal | undefined
  readonly #listeners: (() => void)[] = []
  #isAborted = false

  /** @param outer when it is aborted, so is this one; it is listened to only while this one is */
  constructor(outer?: Signal) {
    this.#outer = outer
  }

  get aborted(): boolean {
    return this.#isAborted || this.#outer?.aborted === true
  }

  readonly abort = (): void => {
    if (this.#isAborted) return
    this.#isAborted = true
    this.#outer?.removeEventListener('abort', this.abort)
    for (const listener of this.#listeners.splice(0)) listener()
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (this.#listeners.push(listener) === 1) this.#outer?.addEventListener('abort', this.abort)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const at = this.#listeners.indexOf(listener)
    if (at === -1) return
    this.#listeners.splice(at, 1)
    if (this.#listeners.length === 0) this.#outer?.removeEventListener('abort', this.abort)
  }
}
