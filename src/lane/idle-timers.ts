import type { Clock } from '../model.ts'
import type { HttpSocket } from '../ports/connections.ts'

/** A connection, and what is known here of its timer. */
export interface Timed {
  readonly socket: HttpSocket
  /** What its timer was set to, in ms, if it stands still; 0: it does not. */
  suspended: number
  /** When it was answered last, in epoch ms. */
  answeredAt: number
}

/** Connections are looked at this often, in ms, or oftener where the timeout asks for it. */
const ROUND_MS = 1_000
const ROUNDS_IN_TIMEOUT = 4

/**
 * Node puts the timer of an idle connection off with every read and every write, which takes longer than finding the answer
 * in between. Here it stands still while the connection is busy. A look at all of them, once in a while, sets the timers
 * going of those that have fallen silent, which then have all of their time (docs/decisions/lane/timers-stand-still.md).
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
  resume(connection: Timed): void {
    if (connection.suspended > 0) this.#start(connection)
  }

  #stop(connection: Timed, timeout: number): void {
    connection.suspended = timeout
    connection.socket.setTimeout(0)
    this.#suspended.add(connection)
    if (!this.#isAwake) this.#lookLater()
  }

  #start(connection: Timed): void {
    const { socket, suspended: timeout } = connection
    connection.suspended = 0
    this.#suspended.delete(connection)
    if (!socket.destroyed) socket.setTimeout(timeout)
  }

  #lookLater(): void {
    this.#isAwake = this.#suspended.size > 0
    if (this.#isAwake) this.#clock.after(this.#roundMs, () => this.#look())
  }

  #look(): void {
    const silentSince = this.#clock.now() - this.#roundMs / 2
    for (const connection of this.#suspended) {
      if (connection.answeredAt <= silentSince || connection.socket.destroyed) this.#start(connection)
    }
    this.#lookLater()
  }
}
