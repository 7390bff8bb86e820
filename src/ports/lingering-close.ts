/**
 * Closing a connection with unread octets resets it, and the reset may overtake responses that the client has not read
 * yet. Where octets may be unread, our half is ended first, and input is discarded until the client has ended its own,
 * or its time is up (RFC 9112 section 9.6).
 */
import type { Server } from 'node:http'
import { Socket } from 'node:net'
import type { HerdgateError } from '../errors.ts'
import { rawProblem } from '../problem.ts'
import type { HttpSocket } from './connections.ts'

/** How long a client has to hang up, in ms. */
const LINGER_MS = 5000

/** Connections on which the client has sent more than will be read. */
const withUnread = new WeakSet<HttpSocket>()
/** Connections that are being closed in this way. */
const lingering = new WeakSet<HttpSocket>()

/** Makes node:http linger, where it has to, when it closes a connection after the last response. */
export function lingerWhereUnread(server: Server): void {
  server.on('connection', (socket: HttpSocket) => {
    socket.destroySoon = closeSoon
  })
}

/** To be called when nothing else that arrives on the connection will be answered. */
export function expectUnread(socket: HttpSocket): void {
  withUnread.add(socket)
}

/**
 * Sends an error as the last response of the connection.
 * @param method of the request, if known
 * @param cacheStatus as for problemFields
 */
export function refuse(
  socket: HttpSocket,
  error: HerdgateError,
  method: string | undefined,
  cacheStatus?: string,
): void {
  socket.write(rawProblem(error, method, cacheStatus))
  closeLingering(socket)
}

function closeSoon(this: HttpSocket): void {
  const isWithinContent = this.parser?.incoming?.complete === false
  if (this.writable && (isWithinContent || withUnread.has(this))) closeLingering(this)
  else Socket.prototype.destroySoon.call(this)
}

/** Ends our half, and discards what still comes. */
function closeLingering(socket: HttpSocket): void {
  lingering.add(socket)
  socket.end()
  discardInput(socket)
  const tooLate = setTimeout(() => socket.destroy(), LINGER_MS).unref()
  socket.once('end', () => socket.destroySoon()).once('close', () => clearTimeout(tooLate))
}

/** Whether our half has been ended so that the connection closes by itself before long. */
export const isLingering = (socket: HttpSocket): boolean => lingering.has(socket)

/** A listener for data makes node:http's parser release the connection. */
function discardInput(socket: HttpSocket): void {
  const drop = () => {}
  socket.on('data', drop)
  for (const listener of socket.listeners('data')) {
    if (listener !== drop) socket.off('data', listener as () => void)
  }
  socket.resume()
}
