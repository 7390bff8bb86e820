import type { Clock } from '../../model.ts'
import { type Breaker, createBreaker } from './breaker.ts'
import { failureOf, isReady, type RedisClient } from './connection.ts'

export interface ClientBreakerOptions {
  readonly client: RedisClient
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  /** It opened, or it closed again. */
  readonly changed?: (isOpen: boolean, why: string) => void
}

/** A breaker for a server that does not answer, or to which there is no connection. */
export class ClientBreaker {
  readonly #client: RedisClient
  readonly #breaker: Breaker
  readonly #connected = (): void => {
    this.#failure = undefined
    this.#breaker.expectSuccess()
  }
  readonly #notConnected = (error: Error): void => {
    this.#failure = failureOf(error)
  }
  /** Why there is no connection. */
  #failure: string | undefined
  #closed = false

  constructor({ client, clock, random, changed = () => {} }: ClientBreakerOptions) {
    this.#client = client
    this.#breaker = createBreaker({ failures: 5, openMs: 250, longestOpenMs: 5_000, clock, random, changed })
    client.on('ready', this.#connected)
    client.on('error', this.#notConnected)
  }

  /** Not connected, or not tried at present. */
  get isOpen(): boolean {
    return this.#breaker.isOpen || !isReady(this.#client)
  }

  /** May it be asked now? If so, the caller has to say how it ended: `succeeded` or `failed`. */
  admits(): boolean {
    if (this.#closed || !this.#breaker.admits()) return false
    if (isReady(this.#client)) return true
    this.#breaker.failed(this.#failure === undefined ? 'not connected' : `not connected: ${this.#failure}`)
    return false
  }

  succeeded(): void {
    this.#breaker.succeeded()
  }

  failed(why: string): void {
    this.#breaker.failed(why)
  }

  close(): void {
    this.#closed = true
    this.#client.off('ready', this.#connected)
    this.#client.off('error', this.#notConnected)
  }
}
