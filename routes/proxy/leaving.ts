import type { Socket } from 'node:net'
import type { Signal } from '../../src/for-routes.ts'

const known = new WeakMap<Socket, Leaving>()

/**
 * Signals that the client is leaving: it has ended its side of the connection, or the connection is closed. A client
 * that has gone and one that only sends no more look the same until a response is written, so this ends no work: the
 * response is still sent. So the end of one side is signalled only to the first of several pipelined requests:
 * otherwise all of them could wait uncounted, although they are still answered.
 */
export function leavingOf(socket: Socket): Signal {
  const before = known.get(socket)
  if (before !== undefined) return before
  const leaving = new Leaving(socket)
  known.set(socket, leaving)
  return leaving
}

/** One for all requests of a connection, so that the socket's listeners do not grow with their number. */
class Leaving implements Signal {
  aborted: boolean
  readonly #listeners = new Set<() => void>()

  constructor(socket: Socket) {
    this.aborted = socket.destroyed
    socket.once('end', this.#ended)
    socket.once('close', this.#left)
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener)
  }

  readonly #ended = (): void => {
    const [first] = this.#listeners
    if (first === undefined) return
    this.#listeners.delete(first)
    first()
  }

  readonly #left = (): void => {
    this.aborted = true
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
  }
}
