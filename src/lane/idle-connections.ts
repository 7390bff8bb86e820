import type { Clock } from '../model.ts'
import { type HttpSocket, owingLateHead, owingNoHead } from '../ports/connections.ts'

/** A connection, and what is known here of its idle time. */
export interface Timed {
  readonly socket: HttpSocket
  /** It is looked at here. */
  isWatched: boolean
  /** What node:http has set its timer to, in ms, if it stands still; 0: it does not. */
  suspended: number
  /** When it was answered last, in epoch ms. */
  answeredAt: number
}

/** Connections are looked at this often, in ms, or oftener where the timeout asks for it. */
const ROUND_MS = 1_000
const ROUNDS_IN_TIMEOUT = 4
/** Clients are told when they are closed; node:http waits for so much longer, in ms, for what they have sent meanwhile. */
const GRACE_MS = 1_000

/**
 * Idle time of connections that the lane answers (docs/decisions/lane/timers-stand-still.md).
 *
 * Node puts the timer of an idle connection off with every read and every write, which takes longer than finding the answer
 * in between. Here it stands still while the connection is busy. A look at all of them, once in a while, sets the timers
 * going of those that have fallen silent, which then have all of their time.
 *
 * A connection on which node:http has not answered yet has no timer: node:http waits for its first head. That wait is
 * called off, until something is handed on, and the connection closed here when it is silent for too long.
 */
export class IdleConnections {
  readonly #clock: Clock
  readonly #timeout: number
  readonly #roundMs: number
  readonly #watched = new Set<Timed>()
  #isAwake = false

  /** @param timeout in ms */
  constructor(clock: Clock, timeout: number) {
    this.#clock = clock
    this.#timeout = timeout
    this.#roundMs = Math.min(ROUND_MS, timeout / ROUNDS_IN_TIMEOUT)
  }

  /** The lane has answered it: if its timer runs, it stands still from now on. */
  answered(connection: Timed): void {
    const { timeout = 0 } = connection.socket
    if (timeout > 0) this.#suspend(connection, timeout)
    else if (!connection.isWatched) this.#adopt(connection)
  }

  /** What comes now is for node:http, and so is from now on the connection's time. */
  handedOn(connection: Timed): void {
    if (connection.suspended > 0) this.#resume(connection)
    else if (connection.isWatched) this.#handOver(connection)
  }

  #suspend(connection: Timed, timeout: number): void {
    connection.suspended = timeout
    connection.socket.setTimeout(0)
    this.#watch(connection)
  }

  #adopt(connection: Timed): void {
    owingNoHead.add(connection.socket)
    owingLateHead.delete(connection.socket)
    this.#watch(connection)
  }

  #handOver(connection: Timed): void {
    owingNoHead.delete(connection.socket)
    this.#unwatch(connection)
  }

  #watch(connection: Timed): void {
    connection.isWatched = true
    this.#watched.add(connection)
    if (!this.#isAwake) this.#lookLater()
  }

  #unwatch(connection: Timed): void {
    connection.isWatched = false
    this.#watched.delete(connection)
  }

  #resume(connection: Timed): void {
    const { socket, suspended: timeout } = connection
    connection.suspended = 0
    this.#unwatch(connection)
    if (!socket.destroyed) socket.setTimeout(timeout)
  }

  #lookLater(): void {
    this.#isAwake = this.#watched.size > 0
    if (this.#isAwake) this.#clock.after(this.#roundMs, () => this.#look())
  }

  #look(): void {
    const now = this.#clock.now()
    for (const connection of this.#watched) {
      const { socket, suspended, answeredAt } = connection
      if (socket.destroyed) this.#unwatch(connection)
      else if (suspended === 0) this.#lookAtNewcomer(connection, now)
      else if (now - answeredAt >= this.#roundMs / 2) this.#resume(connection)
    }
    this.#lookLater()
  }

  #lookAtNewcomer(connection: Timed, now: number): void {
    const { socket, answeredAt } = connection
    if (socket.writableLength > 0) {
      connection.answeredAt = now // who takes an answer slowly is a matter of rate
    } else if (now - answeredAt >= this.#timeout + GRACE_MS) {
      this.#unwatch(connection)
      socket.destroy()
    }
  }
}
