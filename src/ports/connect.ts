import type { Server } from 'node:http'
import { HerdgateError } from '../errors.ts'
import type { HttpSocket } from './connections.ts'
import { refuse } from './lingering-close.ts'
import { endAfter } from './malformed.ts'
import { lastDue, waitingAnswers } from './pipelining.ts'
import { type Refused, UNTOLD } from './refusals.ts'

/**
 * CONNECT is answered 405: nothing here is a tunnel. Left to itself node:http hangs up without a word; and where somebody
 * listens for it, it has no limits of its own for the connection any more. Behind answers that are due it gets none of its
 * own: the connection ends with them.
 */
export function refuseConnect(server: Server, refused: Refused = UNTOLD): void {
  server.on('connect', (message) => {
    const { socket } = message
    socket.on('error', () => socket.destroy()) // node:http has taken its own listener off
    const last = lastDue(socket)
    if (last === undefined) {
      const error = new HerdgateError('method_not_allowed')
      refuse(socket, error)
      return refused(error, socket, message)
    }
    keepAnswering(socket)
    endAfter(last, socket)
  })
}

/** What node:http does for the answers of a connection as long as it has not let go of it. */
function keepAnswering(socket: HttpSocket): void {
  socket.on('drain', () => {
    if (socket._httpMessage?.writableNeedDrain) socket._httpMessage.emit('drain')
  })
  socket.once('close', () => {
    for (const response of waitingAnswers(socket)) response.destroy()
  })
  socket.resume() // whoever does not read does not hear of the client's end either
}
