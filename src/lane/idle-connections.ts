import type { Clock } from '../model.ts'
import { type HttpSocket, withLateHead, withoutHeadDeadline } from '../ports/connections.ts'

/** A connection and the state of its idle timer. */
export interface Timed {
  readonly socket: HttpSocket
  /** It is checked periodically. */
  isWatched: boolean
  /** The timeout that node:http has set, in ms, while the timer is suspended; otherwise 0. */
  suspended: number
  /** When it was answered last, in epoch ms. */
  answeredAt: number
}

/** Interval between two checks of all connections, in ms; less if the timeout is short. */
const ROUND_MS = 1_000
const ROUNDS_IN_TIMEOUT = 4
/** As node:http does, waits this much longer than announced, in ms, for what a client sent at the last moment. */
const GRACE_MS = 1_000

/**
 * Idle timeouts of connections that the lane answers (docs/decisions/lane/timers-stand-still.md).
 *
 * Node restarts a connection's idle timer at every read and every write, which takes longer than the cache lookup in
 * between. Here the timer is suspended while the connection is busy. A periodic check restarts the timers of those
 * that have fallen silent, with their full timeout.
 *
 * A connection on which node:http has not answered yet has no idle timer: node:http waits for its first head. Until
 * something is handed on, that wait is suppressed, and a connection that is silent for too long is closed here.
 */
export class IdleConnections {
  readonly #clock: Clock
  readonly #timeout: number
  readonly #roundMs: number
  readonly #watched = new Set<Timed>()
  #isScheduled = false

  /** @param timeout in ms */
  constructor(clock: Clock, timeout: number) {
    this.#clock = clock
    this.#timeout = timeout
    this.#roundMs = Math.min(ROUND_MS, timeout / ROUNDS_IN_TIMEOUT)
  }

  /** To be called when the lane has answered: suspends the connection's timer, or watches it if it has none. */
  answered(connection: Timed): void {
    const { timeout = 0 } = connection.socket
    if (timeout > 0) this.#suspend(connection, timeout)
    else if (!connection.isWatched) this.#adopt(connection)
  }

  /** To be called before input goes to node:http, which keeps the connection's time from then on. */
  handedToNode(connection: Timed): void {
    if (connection.suspended > 0) this.#resume(connection)
    else if (connection.isWatched) this.#handOver(connection)
  }

  #suspend(connection: Timed, timeout: number): void {
    connection.suspended = timeout
    connection.socket.setTimeout(0)
    this.#watch(connection)
  }

  #adopt(connection: Timed): void {
    withoutHeadDeadline.add(connection.socket)
    withLateHead.delete(connection.socket)
    this.#watch(connection)
  }

  #handOver(connection: Timed): void {
    withoutHeadDeadline.delete(connection.socket)
    this.#unwatch(connection)
  }

  #watch(connection: Timed): void {
    connection.isWatched = true
    this.#watched.add(connection)
    if (!this.#isScheduled) this.#checkLater()
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

  #checkLater(): void {
    this.#isScheduled = this.#watched.size > 0
    if (this.#isScheduled) this.#clock.after(this.#roundMs, () => this.#check())
  }

  #check(): void {
    const now = this.#clock.now()
    for (const connection of this.#watched) {
      const { socket, suspended, answeredAt } = connection
      if (socket.destroyed) this.#unwatch(connection)
      else if (suspended === 0) this.#checkNewcomer(connection, now)
      else if (now - answeredAt >= this.#roundMs / 2) this.#resume(connection)
    }
    this.#checkLater()
  }

  #checkNewcomer(connection: Timed, now: number): void {
    const { socket, answeredAt } = connection
    if (socket.writableLength > 0) {
      connection.answeredAt = now // slow readers are left to the minimum rate
    } else if (now - answeredAt >= this.#timeout + GRACE_MS) {
      this.#unwatch(connection)
      socket.destroy()
    }
  }
}
