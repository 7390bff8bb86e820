import { hold, MAX_SMALL_BYTES } from '../body.ts'
import type { HttpSocket } from '../ports/connections.ts'

/** A connection, and whether a response for it is waiting here. */
export interface Owed {
  readonly socket: HttpSocket
  isOwed: boolean
}

/** Most responses that wait: the first waits while as many requests are read and looked up, some 100 µs. */
const MAX_WAITING = 32
/** With fewer in a turn of the event loop, a callback at its end costs more than it saves. */
const WORTHWHILE = 8
/** While waiting is not worthwhile, one response in this many waits to see whether it has become so. */
const PROBE_INTERVAL = 64

/** A waiting response. */
interface Place {
  connection: Owed | undefined
  head: Buffer | undefined
  content: Buffer | undefined
}

/**
 * Responses that wait until all requests that are ready have been read: reading many and then writing many is cheaper
 * than one by one (docs/decisions/lane/answers-leave-together.md).
 */
export class Outbox {
  readonly #atTurnsEnd: (run: () => void) => void
  /** Reused, so that no object is made per response. */
  readonly #places = Array.from({ length: MAX_WAITING }, (): Place => emptyPlace())
  #waiting = 0
  /** How many of those waiting the current flush has sent. */
  #sent = 0
  /** Responses put here in this turn of the event loop. */
  #gathered = 0
  #isWorthwhile = false
  #sentAtOnce = 0

  /** @param atTurnsEnd runs a callback when everything that is ready now has been read */
  constructor(atTurnsEnd: (run: () => void) => void = setImmediate) {
    this.#atTurnsEnd = atTurnsEnd
  }

  /** @param content undefined if there is none or `head` includes it */
  send(connection: Owed, head: Buffer, content: Buffer | undefined): void {
    if (this.#gathered > 0 || this.#isWorthwhile || this.#isProbe()) this.#put(connection, head, content)
    else write(connection.socket, head, content)
  }

  /** Sends what is waiting. To be called before anything else is done on one of the connections, or anything slow. */
  flush(): void {
    while (this.#sent < this.#waiting) this.#sendNext()
    this.#sent = this.#waiting = 0
  }

  #isProbe(): boolean {
    this.#sentAtOnce = (this.#sentAtOnce + 1) % PROBE_INTERVAL
    return this.#sentAtOnce === 0
  }

  #put(connection: Owed, head: Buffer, content: Buffer | undefined): void {
    const place = this.#places[this.#waiting++] ?? emptyPlace()
    place.connection = connection
    place.head = head
    place.content = content
    connection.isOwed = true
    if (this.#gathered++ === 0) this.#atTurnsEnd(this.#endTurn)
    if (this.#waiting === MAX_WAITING) this.flush()
  }

  readonly #endTurn = (): void => {
    this.#isWorthwhile = this.#gathered >= WORTHWHILE
    this.#gathered = 0
    this.flush()
  }

  /** Empties the place first: the response no longer waits even if writing it throws. */
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
  if (content.length > MAX_SMALL_BYTES && socket.writableLength > 0) holdUntilSent(content, socket)
}

/** The rest stays in memory until the client has received it, whatever becomes of the stored copy. */
function holdUntilSent(content: Buffer, socket: HttpSocket): void {
  const letGo = hold(content)
  const sent = () => {
    socket.off('drain', sent)
    socket.off('close', sent)
    letGo()
  }
  socket.on('drain', sent)
  socket.on('close', sent)
}
