/**
 * A connection that is closed over unread octets is reset, and the reset may overtake answers that the client has not
 * read yet. Where octets may be unread, our half is ended first, and what comes is thrown away until the client has
 * ended its own, or has had its time (RFC 9112 section 9.6).
 */
import type { Server } from 'node:http'
import { Socket } from 'node:net'
import type { HerdgateError } from '../errors.ts'
import { rawProblem } from '../problem.ts'
import type { HttpSocket } from './connections.ts'

/** How long a client has to hang up, in ms. */
const LINGER_MS = 5000

/** Connections on which more has been sent than will be read. */
const oversent = new WeakSet<HttpSocket>()
/** Those whose end has begun. */
const lingering = new WeakSet<HttpSocket>()

/** Has the ends that node:http makes, behind the last answer of a connection, linger where they have to. */
export function lingerWhereUnread(server: Server): void {
  server.on('connection', (socket: HttpSocket) => {
    socket.destroySoon = closeSoon
  })
}

/** Whatever else comes on the connection is not going to be answered. */
export function expectUnread(socket: HttpSocket): void {
  oversent.add(socket)
}

/**
 * Answers with an error that is the last of the connection.
 * @param cacheStatus as for problemFields
 */
export function refuse(socket: HttpSocket, error: HerdgateError, cacheStatus?: string): void {
  socket.write(rawProblem(error, cacheStatus))
  closeLingering(socket)
}

function closeSoon(this: HttpSocket): void {
  const isWithinContent = this.parser?.incoming?.complete === false
  if (this.writable && (isWithinContent || oversent.has(this))) closeLingering(this)
  else Socket.prototype.destroySoon.call(this)
}

/** Nothing more is written, and nothing of what comes is looked at. */
function closeLingering(socket: HttpSocket): void {
  lingering.add(socket)
  socket.end()
  readNothingMore(socket)
  const tooLate = setTimeout(() => socket.destroy(), LINGER_MS).unref()
  socket.once('end', () => socket.destroySoon()).once('close', () => clearTimeout(tooLate))
}

/** Our half of it has ended, and it closes by itself before long. */
export const isLingering = (socket: HttpSocket): boolean => lingering.has(socket)

/** A listener for data has node:http's parser let go of the connection. */
function readNothingMore(socket: HttpSocket): void {
  const drop = () => {}
  socket.on('data', drop)
  for (const listener of socket.listeners('data')) {
    if (listener !== drop) socket.off('data', listener as () => void)
  }
  socket.resume()
}
