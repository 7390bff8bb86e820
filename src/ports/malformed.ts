import type { ServerResponse } from 'node:http'
import { HerdgateError } from '../errors.ts'
import type { HttpSocket } from './connections.ts'
import { expectUnread, refuse } from './lingering-close.ts'

/** Connections whose end is settled: whatever else is wrong on them changes nothing. */
const ending = new WeakSet<HttpSocket>()

/**
 * What Node's parser refused. The connection is closed: nothing after it can be trusted. A request that came whole before
 * it is answered all the same, and that answer is the last.
 */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: HttpSocket): void {
  if (ending.has(socket)) return
  ending.add(socket)
  const due = socket._httpMessage
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
  else if (due?.req.complete === true) endAfter(due, socket)
  else if (due?.headersSent === true)
    socket.destroy() // nothing may be put into an answer that is on its way
  else refuse(socket, new HerdgateError(codeOf(error)))
}

function endAfter(due: ServerResponse, socket: HttpSocket): void {
  due.shouldKeepAlive = false
  expectUnread(socket)
  due.once('close', () => {
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
