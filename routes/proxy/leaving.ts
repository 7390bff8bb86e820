import type { Socket } from 'node:net'
import type { Signal } from '../../src/for-routes.ts'

const known = new WeakMap<Socket, Leaving>()

/**
 * Tells of the client's leaving: that it has ended its side of the connection, or that the connection is over. Who has
 * gone and who only sends no more look the same until an answer is written, so this ends no work: the answer still goes
 * out. So of requests that wait behind one another only the first is told so by the end of one side: else all who are
 * still answered could wait uncounted.
 */
export function leavingOf(socket: Socket): Signal {
  const before = known.get(socket)
  if (before !== undefined) return before
  const leaving = new Leaving(socket)
  known.set(socket, leaving)
  return leaving
}

/** One for all requests of a connection, with one listener on the socket however many wait. */
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
