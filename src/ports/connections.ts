import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { connectionClosed, connectionOpened } from '../heap/connection-memory.ts'

/** A socket with those internals of node:http and node:net that are used here. */
export type HttpSocket = Socket & {
  /** The response whose turn it is, while one is due. */
  _httpMessage?: ServerResponse | null
  /** `incoming`: the request that is being received, or the last one. */
  parser?: { readonly incoming?: IncomingMessage | null } | null
  _handle?: {
    /** Octets handed to the system so far, or queued for it. */
    readonly bytesWritten: number
    /** Octets queued, because the system takes no more. */
    readonly writeQueueSize: number
    /** Makes reads go into this memory from now on. */
    useUserBuffer?(octets: Buffer): void
  } | null
}

/** Connections from which node:http has had no head, and is owed none: the lane has answered all they sent. */
export const withoutHeadDeadline = new WeakSet<HttpSocket>()

/** Connections whose head is late, until their turn to be refused, or until it arrives after all. */
export const withLateHead = new Set<HttpSocket>()

/** The connections of a server, while they are open. */
export function openConnections(server: Server): ReadonlySet<HttpSocket> {
  const open = new Set<HttpSocket>()
  server.on('connection', (socket: HttpSocket) => {
    open.add(socket)
    connectionOpened()
    socket.once('close', () => {
      open.delete(socket)
      connectionClosed()
    })
  })
  return open
}
