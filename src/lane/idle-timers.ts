import type { Clock } from '../model.ts'
import type { HttpSocket } from '../ports/connections.ts'

/** A connection, and what is known here of its timer. */
export interface Timed {
  readonly socket: HttpSocket
  /** Its timer stands still. */
  isSuspended: boolean
  /** What its timer is set to when the connection falls silent, in ms. */
  timeout: number
  /** When it was answered last, in epoch ms. */
  answeredAt: number
}

/** Connections are looked at this often, in ms, or oftener where the timeout asks for it. */
const ROUND_MS = 1_000
const ROUNDS_IN_TIMEOUT = 4

/**
 * Node puts the timer of an idle connection off with every read and every write, which takes as long as finding the answer
 * in between. Here it stands still while the connection is busy. A look at all of them, once in a while, sets the timers
 * going of those that have fallen silent, with the time that is left.
 */
export class IdleTimers {
  readonly #clock: Clock
  readonly #roundMs: number
  readonly #suspended = new Set<Timed>()
  #isAwake = false

  /** @param timeout of idle connections, in ms */
  constructor(clock: Clock, timeout: number) {
    this.#clock = clock
    this.#roundMs = Math.min(ROUND_MS, timeout / ROUNDS_IN_TIMEOUT)
  }

  /** The connection was answered: if its timer runs, it stands still from now on. */
  suspend(connection: Timed): void {
    const { timeout } = connection.socket
    if (timeout !== undefined && timeout > 0) this.#stop(connection, timeout)
  }

  /** From now on the timer is as Node wants it. */
  release(connection: Timed): void {
    if (connection.isSuspended) this.#resume(connection, 0)
  }

  #stop(connection: Timed, timeout: number): void {
    connection.timeout = Math.max(connection.timeout, timeout) // what is left of it is less
    connection.isSuspended = true
    connection.socket.setTimeout(0)
    this.#suspended.add(connection)
    if (!this.#isAwake) this.#lookLater()
  }

  #resume(connection: Timed, silentMs: number): void {
    const { socket, timeout } = connection
    connection.isSuspended = false
    this.#suspended.delete(connection)
    if (!socket.destroyed) socket.setTimeout(Math.max(timeout - silentMs, 1))
  }

  #lookLater(): void {
    this.#isAwake = this.#suspended.size > 0
    if (this.#isAwake) this.#clock.after(this.#roundMs, () => this.#look())
  }

  #look(): void {
    const now = this.#clock.now()
    for (const connection of this.#suspended) {
      const silentMs = now - connection.answeredAt
      if (silentMs >= this.#roundMs / 2 || connection.socket.destroyed) this.#resume(connection, silentMs)
    }
    this.#lookLater()
  }
}
