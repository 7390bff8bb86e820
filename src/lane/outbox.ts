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

/** An answer that waits. */
interface Place {
  connection: Owed | undefined
  head: Buffer | undefined
  content: Buffer | undefined
}

/**
 * Answers that wait until all requests that are ready have been read: reading many and then writing many is cheaper than
 * one by one (docs/decisions/lane/answers-leave-together.md).
 */
export class Outbox {
  readonly #atTurnsEnd: (run: () => void) => void
  /** Filled again and again: no object is made for an answer. */
  readonly #places = Array.from({ length: MOST }, (): Place => emptyPlace())
  #waiting = 0
  /** Of those that wait, while they are being sent. */
  #sent = 0
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
    if (this.#gathered > 0 || this.#isWorthwhile || this.#looksAgain()) this.#put(connection, head, content)
    else write(connection.socket, head, content)
  }

  /** Sends what waits now: before anything else is done on one of the connections, or anything that takes its time. */
  flush(): void {
    while (this.#sent < this.#waiting) this.#sendNext()
    this.#sent = this.#waiting = 0
  }

  #looksAgain(): boolean {
    this.#sentAtOnce = (this.#sentAtOnce + 1) % LOOKS_AGAIN
    return this.#sentAtOnce === 0
  }

  #put(connection: Owed, head: Buffer, content: Buffer | undefined): void {
    const place = this.#places[this.#waiting++] ?? emptyPlace()
    place.connection = connection
    place.head = head
    place.content = content
    connection.isOwed = true
    if (this.#gathered++ === 0) this.#atTurnsEnd(this.#endTurn)
    if (this.#waiting === MOST) this.flush()
  }

  readonly #endTurn = (): void => {
    this.#isWorthwhile = this.#gathered >= WORTHWHILE
    this.#gathered = 0
    this.flush()
  }

  /** What is on its way waits no more, whatever comes of writing it. */
  #sendNext(): void {
    const place = this.#places[this.#sent++] ?? emptyPlace()
    const { connection, head, content } = place
    place.connection = place.head = place.content = undefined
    if (connection === undefined || head === undefined) return
    connection.isOwed = false
    if (connection.socket.writable) write(connection.socket, head, content)
  }
}

const emptyPlace = (): Place => ({ connection: undefined, head: undefined, content: undefined })

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
