import type { RequestListener } from 'node:http'
import { refuseMalformed } from './malformed.ts'
import { ignoreRefusal, type OnRefusal } from './refusals.ts'

/**
 * Refuses requests with Upgrade whose client ends within their content, which node:http does for all others: its parser
 * reports no fault after a head with Upgrade, whether that is accepted or not. The origin would be left waiting.
 */
export function refuseCutOffContent(handler: RequestListener, onRefusal: OnRefusal = ignoreRefusal): RequestListener {
  return (request, response) => {
    const { socket } = request
    if (request.headers.upgrade !== undefined) {
      socket.once('end', () => {
        if (!request.complete && !response.writableEnded) refuseMalformed(new Error('cut off'), socket, onRefusal)
      })
    }
    handler(request, response)
  }
}
