import type { RequestListener } from 'node:http'
import { type HttpSocket, owingLateHead, owingNoHead } from './connections.ts'
import { refuseMalformed } from './malformed.ts'
import type { Refused } from './refusals.ts'

/**
 * Heads that take too long. node:http finds them by the thousand at once, and they are refused a few at a time: one that
 * has come whole before it was its turn is not too late.
 * @param inTurn puts off what is to be done until it is its turn
 */
export function refuseLateHeads(inTurn: (run: () => void) => void, refused?: Refused) {
  return {
    /** Has `handler` take each request, whose head has then come. */
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
        // Without a parser it is closed, or another protocol's.
        if (owingLateHead.delete(socket) && socket.parser) refuseMalformed(error, socket, refused)
      })
    },
  }
}
