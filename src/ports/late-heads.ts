import type { RequestListener } from 'node:http'
import { type HttpSocket, withLateHead, withoutHeadDeadline } from './connections.ts'
import { refuseMalformed } from './malformed.ts'
import type { OnRefusal } from './refusals.ts'

/**
 * Refuses heads that take too long. node:http may find thousands at once, and they are refused a few at a time: one
 * that is complete before its turn is not too late.
 * @param inTurn queues a callback until its turn
 */
export function refuseLateHeads(inTurn: (run: () => void) => void, onRefusal?: OnRefusal) {
  return {
    /** Wraps the handler, to learn that a request's head has arrived. */
    watch(handler: RequestListener): RequestListener {
      return (request, response) => {
        if (withLateHead.size > 0) withLateHead.delete(request.socket)
        handler(request, response)
      }
    },
    refuse(error: NodeJS.ErrnoException, socket: HttpSocket): void {
      if (withoutHeadDeadline.has(socket)) return
      withLateHead.add(socket)
      inTurn(() => {
        // Without a parser the connection is closed, or has switched protocols.
        if (withLateHead.delete(socket) && socket.parser) refuseMalformed(error, socket, onRefusal)
      })
    },
  }
}
