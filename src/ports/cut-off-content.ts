import type { RequestListener, ServerResponse } from 'node:http'
import type { HttpSocket } from './connections.ts'
import { refuseMalformed } from './malformed.ts'
import { ignoreRefusal, type OnRefusal } from './refusals.ts'

/**
 * Refuses requests with Upgrade whose client ends within their content, which node:http does for all others: its parser
 * reports no fault after a head with Upgrade, whether that is accepted or not. The origin would be left waiting.
 */
export function refuseCutOffContent(handler: RequestListener, onRefusal: OnRefusal = ignoreRefusal): RequestListener {
  /** Of each connection, the response to its last request with Upgrade: those before it are complete. */
  const latest = new WeakMap<HttpSocket, ServerResponse>()
  const ended = (socket: HttpSocket) => {
    const response = latest.get(socket)
    if (response === undefined || response.req.complete || response.writableEnded) return
    refuseMalformed(new Error('cut off'), socket, onRefusal)
  }
  return (request, response) => {
    const { socket } = request
    if (request.headers.upgrade !== undefined) {
      if (!latest.has(socket)) socket.once('end', () => ended(socket))
      latest.set(socket, response)
    }
    handler(request, response)
  }
}
