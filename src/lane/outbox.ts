import type { HttpSocket } from '../ports/connections.ts'

/** A connection, and whether an answer of its own waits here. */
export interface Owed {
  readonly socket: HttpSocket
  isOwed: boolean
}

/** No more answers wait than this: the first has waited for as many requests to be read and looked at, some 100 µs. */
const MOST = 32
/** With fewer in a turn of the event loop, asking to be called at its end takes longer than it saves. */
const WORTHWHILE = 8
/** Where it was not worthwhile lately, one answer in so many looks whether it is again. */
const LOOKS_AGAIN = 64

/**
 * Answers that wait until all requests that are ready have been read: reading many and then writing many is cheaper than
 * one by one, as the system and the processor do the same again and again. Nobody waits for anything but other hits: who
 * has anything else to do has them sent first.
 */
export class Outbox {
  readonly #atTurnsEnd: (run: () => void) => void
  readonly #connections: (Owed | undefined)[] = Array.from({ length: MOST })
  readonly #heads: (Buffer | undefined)[] = Array.from({ length: MOST })
  readonly #contents: (Buffer | undefined)[] = Array.from({ length: MOST })
  #waiting = 0
  /** Since the turn's first. */
  #gathered = 0
  #isWorthwhile = false
  #sentAtOnce = 0

  /** @param atTurnsEnd has something run when all that is ready now has been read */
  constructor(atTurnsEnd: (run: () => void) => void = setImmediate) {
    this.#atTurnsEnd = atTurnsEnd
  }

  /** @param content undefined: there is none, or it comes with the head */
  send(connection: Owed, head: Buffer, content: Buffer | undefined): void {
    if (this.#gathered === 0 && !this.#gathers()) write(connection.socket, head, content)
    else this.#put(connection, head, content)
  }

  /** Sends what waits now: before anything else is done on one of the connections, or anything that takes its time. */
  flush(): void {
    const count = this.#waiting
    this.#waiting = 0
    for (let at = 0; at < count; at++) {
      const connection = this.#connections[at]
      const head = this.#heads[at]
      const content = this.#contents[at]
      this.#connections[at] = this.#heads[at] = this.#contents[at] = undefined
      if (connection === undefined || head === undefined) continue
      connection.isOwed = false
      if (connection.socket.writable) write(connection.socket, head, content)
    }
  }

  #gathers(): boolean {
    if (this.#isWorthwhile) return true
    this.#sentAtOnce = (this.#sentAtOnce + 1) % LOOKS_AGAIN
    return this.#sentAtOnce === 0
  }

  #put(connection: Owed, head: Buffer, content: Buffer | undefined): void {
    const at = this.#waiting++
    this.#connections[at] = connection
    this.#heads[at] = head
    this.#contents[at] = content
    connection.isOwed = true
    if (this.#gathered++ === 0) this.#atTurnsEnd(this.#endTurn)
    if (this.#waiting === MOST) this.flush()
  }

  readonly #endTurn = (): void => {
    this.#isWorthwhile = this.#gathered >= WORTHWHILE
    this.#gathered = 0
    this.flush()
  }
}

function write(socket: HttpSocket, head: Buffer, content: Buffer | undefined): void {
  if (content === undefined) {
    socket.write(head)
    return
  }
  socket.cork()
  socket.write(head)
  socket.write(content)
  socket.uncork()
}
