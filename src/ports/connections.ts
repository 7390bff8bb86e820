import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** What node:http and node:net keep on a socket, as far as it is of use here. */
export type HttpSocket = Socket & {
  /** While an answer is due on it. */
  _httpMessage?: ServerResponse | null
  /** Its request that is being received, or was last. */
  parser?: { readonly incoming?: IncomingMessage | null } | null
  _handle?: {
    /** Handed to the system so far, or still in its way. */
    readonly bytesWritten: number
    /** Still in the way: the system takes no more. */
    readonly writeQueueSize: number
    /** Reads from now on go into this memory. */
    useUserBuffer?(octets: Buffer): void
  } | null
}

/** Those of which node:http has had no head, and need not have: all that came on them was answered before it. */
export const owingNoHead = new WeakSet<HttpSocket>()

/** Those whose head is late, until it is their turn to be refused, or the head has come after all. */
export const owingLateHead = new Set<HttpSocket>()

/** The connections of a server, while they are open. */
export function openConnections(server: Server): ReadonlySet<HttpSocket> {
  const open = new Set<HttpSocket>()
  server.on('connection', (socket: HttpSocket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  return open
}
