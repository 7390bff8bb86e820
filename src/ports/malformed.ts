import type { ServerResponse } from 'node:http'
import { HerdgateError } from '../errors.ts'
import type { HttpSocket } from './connections.ts'
import { expectUnread, refuse } from './lingering-close.ts'
import { lastDue } from './pipelining.ts'
import { type Refused, UNTOLD } from './refusals.ts'

/** Connections whose end is settled: whatever else is wrong on them changes nothing. */
const ending = new WeakSet<HttpSocket>()

/**
 * What Node's parser refused. The connection is closed: nothing after it can be trusted. Requests that came whole before
 * it are answered all the same, and then comes no more.
 */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: HttpSocket, refused: Refused = UNTOLD): void {
  if (ending.has(socket)) return
  ending.add(socket)
  const last = lastDue(socket)
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
  else if (last !== undefined) endAfter(last, socket)
  else if (socket._httpMessage?.headersSent === true)
    socket.destroy() // nothing may be put into an answer that is on its way
  else {
    const refusal = new HerdgateError(codeOf(error))
    refuse(socket, refusal)
    // Of a request that has begun, in whose content it was, whoever was to answer it tells.
    if (!socket._httpMessage) refused(refusal, socket)
  }
}

/** Has the answer be the connection's last. */
export function endAfter(last: ServerResponse, socket: HttpSocket): void {
  last.shouldKeepAlive = false
  expectUnread(socket)
  // Not its close, which comes before its turn where it has broken off until then.
  last.once('finish', () => {
    if (socket.writable) socket.destroySoon() // else node:http has ended it, and once more would cut that short
  })
}

function codeOf(error: NodeJS.ErrnoException): 'head_too_large' | 'request_timeout' | 'malformed_request' {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return 'head_too_large'
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'request_timeout'
    default:
      return 'malformed_request'
  }
}
