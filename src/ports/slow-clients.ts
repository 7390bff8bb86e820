/**
 * Clients that hold a connection without making use of it. node:http limits the time for a head and between requests;
 * here is what it leaves open: content that drips in, a response that is hardly taken, a connection that we have ended
 * and the client does not.
 */
import type { HttpSocket } from './connections.ts'
import { HerdgateError } from '../errors.ts'
import type { Clock } from '../model.ts'
import { rawProblem } from '../problem.ts'

export interface PaceOptions {
  /** Puts off what is to be done until it is its turn. */
  readonly inTurn: (run: () => void) => void
  /** Octets per second that a client has to take, or send, while it is its turn. */
  readonly minRate: number
  /** Milliseconds over which that is measured. */
  readonly minRateWindow: number
  readonly clock: Clock
}

/** Each connection is looked at this often, in ms, or oftener where the window asks for it. */
const ROUND_MS = 400
/** All of them at once would take a while: a round is made in so many steps. */
const STEPS = 10
/** A window begins this often within another, so that what came at its beginning does not count for two. */
const OVERLAPPING = 4

/**
 * Drops who is slower than the rate over a whole window in which it was always its turn. It is the client's turn to
 * read while the system takes no more of what we have for it: who waits for a slow origin has nothing to read. It is
 * its turn to send while content of its request is missing and we have room for it: who uploads to a slow origin is
 * not kept from sending by us, but by a buffer that is full.
 */
export function dropSlowClients(
  connections: ReadonlySet<HttpSocket>,
  { minRate, minRateWindow, clock, inTurn }: PaceOptions,
) {
  const paces = new WeakMap<HttpSocket, Paces>()
  const leastInWindow = (minRate * minRateWindow) / 1_000
  const betweenMarks = minRateWindow / OVERLAPPING

  const step = () => {
    const now = clock.now()
    // Those who come meanwhile are in the round too; those who leave do not make it longer.
    share = Math.max(share, Math.ceil(connections.size / STEPS))
    for (let looked = 0; looked < share; looked++) {
      const { value: socket } = round.next()
      if (socket === undefined) {
        round = connections.values()
        share = 0
        break
      }
      look(socket, now)
    }
    cancel = clock.after(connections.size === 0 ? every * STEPS : every, step) // nobody to look at: one step is the round
  }
  const look = (socket: HttpSocket, now: number) => {
    const took = owesReading(socket) ? taken(socket) : undefined
    const sent = owesSending(socket) ? socket.bytesRead : undefined
    if (took === undefined && sent === undefined) return void paces.delete(socket)
    const pace = paces.get(socket) ?? newPaces()
    paces.set(socket, pace)
    const reads = isSlow(pace.reading, took, now)
    const sends = isSlow(pace.sending, sent, now)
    if (reads || sends) inTurn(() => dropIfStillDue(socket))
  }
  /** @param moved octets up to now; undefined while it is not the client's turn, after which windows begin anew */
  const isSlow = (windows: Mark[], moved: number | undefined, now: number): boolean => {
    const [first] = windows
    const isOver = first !== undefined && now - first.at >= minRateWindow
    const wasSlow = moved !== undefined && isOver && moved - first.moved < leastInWindow
    if (moved === undefined || wasSlow) {
      windows.length = 0
      return wasSlow
    }
    if (isOver) windows.shift()
    const last = windows.at(-1)
    if (last === undefined || now - last.at >= betweenMarks) windows.push({ at: now, moved })
    return false
  }

  const every = Math.min(ROUND_MS, minRateWindow / 4) / STEPS
  let round = connections.values()
  let share = 0
  let cancel = clock.after(every, step)
  return { stop: () => cancel() }
}

/** A window's beginning, and what had been moved by then, in octets. */
interface Mark {
  readonly at: number
  readonly moved: number
}

/** Both directions of a connection: the windows of the client's turn that are not over, the oldest first. */
interface Paces {
  readonly reading: Mark[]
  readonly sending: Mark[]
}

const newPaces = (): Paces => ({ reading: [], sending: [] })

const owesReading = (socket: HttpSocket): boolean => socket.writableLength > 0

/** What the system has taken from us, within a single long write too. */
const taken = ({ _handle: handle }: HttpSocket): number => (handle ? handle.bytesWritten - handle.writeQueueSize : 0)

/** Content that is missing and for which there is room; or, after our end of the connection, its own. */
function owesSending(socket: HttpSocket): boolean {
  if (socket.writableFinished) return true
  const request = socket.parser?.incoming
  if (!request || request.complete) return false
  return request.readableLength < request.readableHighWaterMark
}

/** It may have caught up while it waited for its turn. */
function dropIfStillDue(socket: HttpSocket): void {
  if (owesReading(socket) || owesSending(socket)) drop(socket)
}

/** Told so, if it is its answer's turn and none has begun; else without a doubt that what it got is cut off. */
function drop(socket: HttpSocket): void {
  const { _httpMessage: response, parser } = socket
  const isAnswerDue = response && !response.headersSent && response.req === parser?.incoming
  if (!isAnswerDue || !socket.writable || socket.writableLength > 0) return void socket.resetAndDestroy()
  socket.write(rawProblem(new HerdgateError('request_timeout')))
  socket.destroySoon()
}
