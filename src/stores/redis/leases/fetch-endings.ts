import type { FetchEnding } from '../../../model.ts'
import type { RedisClient } from '../connection.ts'

/** How a fetch ended. `free`: it did not; waiters ask for the lease again. */
export type Ending = FetchEnding | 'free'

const ENDINGS: ReadonlySet<string> = new Set<Ending>(['stored', 'unshared', 'overtaken', 'free'])
const isEnding = (text: string | undefined): text is Ending => text !== undefined && ENDINGS.has(text)

/** Called with an ending, or with `unsure` when some may have been missed. */
export type EndingListener = (ending: Ending | 'unsure', fence: number) => void

/** Listens for the endings of fetches, on one channel for all; only those that somebody waits for are published. */
export class FetchEndings {
  readonly #client: RedisClient
  readonly #listeners = new Map<string, Set<EndingListener>>()
  #isSubscribed = false

  constructor(client: RedisClient, channel: string) {
    this.#client = client
    client.on('message', (_channel: string, text: string) => this.#dispatch(text))
    client.on('close', () => {
      this.#isSubscribed = false
      this.#notifyUnsure()
    })
    client.on('ready', () => void this.#subscribe(channel))
  }

  /** Whether endings are received: Redis may not let the user subscribe. */
  get isSubscribed(): boolean {
    return this.#isSubscribed
  }

  /** @returns a function that removes the listener */
  on(name: string, listener: EndingListener): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#listeners.delete(name)
    }
  }

  close(): void {
    this.#client.disconnect()
    this.#notifyUnsure()
  }

  async #subscribe(channel: string): Promise<void> {
    try {
      await this.#client.subscribe(channel)
      this.#isSubscribed = true
      this.#notifyUnsure()
    } catch {
      // The connection is lost again, or the user may not subscribe: the next connection tries again.
    }
  }

  #dispatch(text: string): void {
    const ending = parseEnding(text)
    if (ending === undefined) return
    for (const listener of this.#listeners.get(ending.name) ?? []) listener(ending.ending, ending.fence)
  }

  #notifyUnsure(): void {
    for (const listeners of this.#listeners.values()) for (const listener of listeners) listener('unsure', 0)
  }
}

export const writeEnding = (name: string, fence: number, ending: Ending): string => `${name} ${fence} ${ending}`

/** Undefined for a message from anybody else. */
function parseEnding(text: string): { name: string; fence: number; ending: Ending } | undefined {
  const [, name, fence, ending] = /^(\w{1,64}) (\d{1,16}) ([a-z]{1,16})$/.exec(text) ?? []
  if (name === undefined || !isEnding(ending)) return undefined
  return { name, fence: Number(fence), ending }
}
