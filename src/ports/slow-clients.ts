/**
 * Drops clients that hold a connection without making use of it. node:http limits the time for a head and between
 * requests; this covers the rest: content that trickles in, a response that is hardly read, a connection that we have
 * ended and the client has not.
 */

import type { HttpSocket } from './connections.ts'
import { HerdgateError } from '../errors.ts'
import type { Clock } from '../model.ts'
import { rawProblem } from '../problem.ts'

export interface PaceOptions {
  /** Queues a callback until its turn. */
  readonly inTurn: (run: () => void) => void
  /** Octets per second that a client has to read, or send, while it is its turn. */
  readonly minRate: number
  /** Milliseconds over which that is measured. */
  readonly minRateWindow: number
  readonly clock: Clock
}

/** Interval between two checks of a connection, in ms; less if the window is short. */
const ROUND_MS = 400
/** Steps per round, as checking all connections at once would take a while. */
const STEPS = 10
/** Windows begun per window length: they overlap, so that a burst at the beginning of one does not count for two. */
const OVERLAPPING = 4

/**
 * Drops a client that is slower than the rate over a whole window in which it was always its turn. It is the client's
 * turn to read while the system takes no more of what we have for it: one that waits for a slow origin has nothing to
 * read. It is its turn to send while content of its request is missing and we have room for it: one that uploads to a
 * slow origin is held up by our full buffer.
 */
export function dropSlowClients(
  connections: ReadonlySet<HttpSocket>,
  { minRate, minRateWindow, clock, inTurn }: PaceOptions,
) {
  const paces = new WeakMap<HttpSocket, Paces>()
  const minInWindow = (minRate * minRateWindow) / 1_000
  const betweenMarks = minRateWindow / OVERLAPPING

  const step = () => {
    const now = clock.now()
    // Connections that open meanwhile join the round; those that close do not make it longer.
    share = Math.max(share, Math.ceil(connections.size / STEPS))
    for (let checked = 0; checked < share; checked++) {
      const { value: socket } = round.next()
      if (socket === undefined) {
        round = connections.values()
        share = 0
        break
      }
      check(socket, now)
    }
    cancel = clock.after(connections.size === 0 ? stepMs * STEPS : stepMs, step) // no connections: one step is the round
  }
  const check = (socket: HttpSocket, now: number) => {
    const read = hasToRead(socket) ? octetsTaken(socket) : undefined
    const sent = hasToSend(socket) ? socket.bytesRead : undefined
    if (read === undefined && sent === undefined) return void paces.delete(socket)
    const pace = paces.get(socket) ?? newPaces()
    paces.set(socket, pace)
    const reads = isSlow(pace.reading, read, now)
    const sends = isSlow(pace.sending, sent, now)
    if (reads || sends) inTurn(() => dropIfStillSlow(socket))
  }
  /** @param octets moved up to now; undefined while it is not the client's turn, which discards its windows */
  const isSlow = (windows: Mark[], octets: number | undefined, now: number): boolean => {
    const [first] = windows
    const isOver = first !== undefined && now - first.at >= minRateWindow
    const wasSlow = octets !== undefined && isOver && octets - first.octets < minInWindow
    if (octets === undefined || wasSlow) {
      windows.length = 0
      return wasSlow
    }
    if (isOver) windows.shift()
    const last = windows.at(-1)
    if (last === undefined || now - last.at >= betweenMarks) windows.push({ at: now, octets })
    return false
  }

  const stepMs = Math.min(ROUND_MS, minRateWindow / 4) / STEPS
  let round = connections.values()
  let share = 0
  let cancel = clock.after(stepMs, step)
  return { stop: () => cancel() }
}

/** When a window began, and how much had been moved by then, in octets. */
interface Mark {
  readonly at: number
  readonly octets: number
}

/** The current windows of the client's turn in each direction, oldest first. */
interface Paces {
  readonly reading: Mark[]
  readonly sending: Mark[]
}

const newPaces = (): Paces => ({ reading: [], sending: [] })

const hasToRead = (socket: HttpSocket): boolean => socket.writableLength > 0

/** Octets that the system has taken from us, even if only part of one long write. */
const octetsTaken = ({ _handle: handle }: HttpSocket): number =>
  handle ? handle.bytesWritten - handle.writeQueueSize : 0

/** Whether content is missing for which there is room or, once we have ended the connection, the client's own end. */
function hasToSend(socket: HttpSocket): boolean {
  if (socket.writableFinished) return true
  const request = socket.parser?.incoming
  // node:http pauses a connection on which many octets of responses wait for an earlier one.
  if (!request || request.complete || socket.isPaused()) return false
  return request.readableLength < request.readableHighWaterMark
}

/** The client may have caught up while the drop was queued. */
function dropIfStillSlow(socket: HttpSocket): void {
  if (hasToRead(socket) || hasToSend(socket)) drop(socket)
}

/** Answers 408 if a response is due and has not begun; otherwise resets, so that a cut-off response is seen as one. */
function drop(socket: HttpSocket): void {
  const { _httpMessage: response, parser } = socket
  const isAnswerDue = response && !response.headersSent && response.req === parser?.incoming
  if (!isAnswerDue || !socket.writable || socket.writableLength > 0) return void socket.resetAndDestroy()
  socket.write(rawProblem(new HerdgateError('request_timeout'), response.req.method))
  socket.destroySoon()
}
