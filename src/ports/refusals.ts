/** Responses that a port sends by itself, without a handler: to an invalid request, and to one too many. */
import type { IncomingMessage } from 'node:http'
import type { HerdgateError } from '../errors.ts'
import type { Events } from '../events.ts'
import { outcomeOfError, type Peer } from '../model.ts'
import { clientAddress } from '../policy/fields/forwarded.ts'
import { problemLength } from '../problem.ts'
import type { HttpSocket } from './connections.ts'

/** What is known of a refused request. */
type Refused = Partial<Pick<IncomingMessage, 'method' | 'rawHeaders'>>

/** @param message absent where nothing could be read */
export type OnRefusal = (error: HerdgateError, socket: HttpSocket, message?: Refused) => void

export const ignoreRefusal: OnRefusal = () => {}

/** Reports refusals as answered requests, like any other. A client that has sent nothing has made no request. */
export function reportRefusals(events: Events, peerOf: (socket: HttpSocket) => Peer): OnRefusal {
  return (error, socket, message) => {
    if (socket.bytesRead === 0) return
    const fields = message?.rawHeaders ?? []
    events.emit('request', {
      route: '',
      method: message?.method ?? '',
      url: '',
      head: { fields },
      status: error.status,
      outcome: outcomeOfError(error.code),
      bytes: message?.method === 'HEAD' ? 0 : problemLength(error),
      firstByteMs: 0,
      totalMs: 0,
      aborted: false,
      peer: clientAddress(fields, peerOf(socket)),
    })
  }
}
