import type { Server } from 'node:http'
import { HerdgateError } from '../errors.ts'
import type { HttpSocket } from './connections.ts'
import { refuse } from './lingering-close.ts'
import { endAfter } from './malformed.ts'
import { lastDueResponse, waitingResponses } from './pipelining.ts'
import { ignoreRefusal, type OnRefusal } from './refusals.ts'

/**
 * Answers CONNECT, which is not supported, with 405. Without a listener node:http closes the connection with no
 * response; with one, it no longer applies its own limits to the connection. If earlier responses are still due,
 * CONNECT gets none: the connection ends with them.
 */
export function refuseConnect(server: Server, onRefusal: OnRefusal = ignoreRefusal): void {
  server.on('connect', (message) => {
    const { socket } = message
    socket.on('error', () => socket.destroy()) // node:http has removed its own listener
    const last = lastDueResponse(socket)
    if (last === undefined) {
      const error = new HerdgateError('method_not_allowed')
      refuse(socket, error, message.method)
      return onRefusal(error, socket, message)
    }
    keepAnswering(socket)
    endAfter(last, socket)
  })
}

/** Does for the remaining responses what node:http does for a connection that it has not detached from. */
function keepAnswering(socket: HttpSocket): void {
  socket.on('drain', () => {
    if (socket._httpMessage?.writableNeedDrain) socket._httpMessage.emit('drain')
  })
  socket.once('close', () => {
    for (const response of waitingResponses(socket)) response.destroy()
  })
  socket.resume() // otherwise the client's end would go unnoticed
}
