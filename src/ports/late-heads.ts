import type { RequestListener } from 'node:http'
import { type HttpSocket, owingLateHead, owingNoHead } from './connections.ts'
import { refuseMalformed } from './malformed.ts'
import type { Refused } from './refusals.ts'

/**
 * Refuses heads that take too long. node:http may find thousands at once, and they are refused a few at a time: one
 * that is complete before its turn is not too late.
 * @param inTurn queues a callback until its turn
 */
export function refuseLateHeads(inTurn: (run: () => void) => void, refused?: Refused) {
  return {
    /** Wraps the handler, to learn that a request's head has arrived. */
    watch(handler: RequestListener): RequestListener {
      return (request, response) => {
        if (owingLateHead.size > 0) owingLateHead.delete(request.socket)
        handler(request, response)
      }
    },
    refuse(error: NodeJS.ErrnoException, socket: HttpSocket): void {
      if (owingNoHead.has(socket)) return
      owingLateHead.add(socket)
      inTurn(() => {
        // Without a parser the connection is closed, or has switched protocols.
        if (owingLateHead.delete(socket) && socket.parser) refuseMalformed(error, socket, refused)
      })
    },
  }
}
