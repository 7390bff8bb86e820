import type { ServerResponse } from 'node:http'
import { HerdgateError } from '../errors.ts'
import type { HttpSocket } from './connections.ts'
import { expectUnread, refuse } from './lingering-close.ts'
import { dueResponses, lastDueResponse } from './pipelining.ts'
import { ignoreRefusal, type OnRefusal } from './refusals.ts'

/** An error of node:http's parser, or of waiting for input. */
interface ParserError extends NodeJS.ErrnoException {
  /** What it was given last. */
  readonly rawPacket?: unknown
  /** How much of that it accepted, in octets. */
  readonly bytesParsed?: number
}

/** Connections that are already being ended: further faults on them change nothing. */
const ending = new WeakSet<HttpSocket>()

/**
 * Deals with input that Node's parser refused. The connection is closed, as nothing after it can be trusted, but
 * complete requests before it are still answered. If they have been, an error follows.
 */
export function refuseMalformed(error: ParserError, socket: HttpSocket, onRefusal: OnRefusal = ignoreRefusal): void {
  if (ending.has(socket)) return
  ending.add(socket)
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  expectUnread(socket)
  whenWritten(socket, () => refuseInput(error, socket, onRefusal))
}

/**
 * Runs a callback when responses that are at hand have been written, and are no longer due. node:http notes it in later
 * ticks, and how the input comes to its parser decides whether those precede the error.
 */
function whenWritten(socket: HttpSocket, run: () => void): void {
  const { length } = dueResponses(socket)
  if (length === 0) return run()
  process.nextTick(() => (dueResponses(socket).length < length ? whenWritten(socket, run) : run()))
}

function refuseInput(error: ParserError, socket: HttpSocket, onRefusal: OnRefusal): void {
  const last = lastDueResponse(socket)
  const { _httpMessage: due, parser } = socket
  if (!socket.writable) return // it is being ended
  if (last !== undefined) endAfter(last, socket)
  else if (due?.headersSent === true)
    socket.destroy() // an error cannot go into a response that is on its way
  else if (!due && parser?.incoming?.complete === false)
    socket.destroySoon() // nor behind the one to the request whose content it is
  else {
    const refusal = new HerdgateError(codeOf(error))
    const method = due ? due.req.method : methodOf(error)
    refuse(socket, refusal, method)
    // A fault within the content of a request is reported by that request's handler.
    if (!due) onRefusal(refusal, socket, { method })
  }
}

/** The method of a refused head, if it is HEAD. Not known if its request line came in an earlier packet. */
function methodOf({ rawPacket, bytesParsed = 0 }: ParserError): 'HEAD' | undefined {
  if (!Buffer.isBuffer(rawPacket)) return undefined
  const head = rawPacket.toString('latin1', 0, bytesParsed).trimEnd().split('\r\n\r\n').at(-1)
  return head?.startsWith('HEAD ') ? 'HEAD' : undefined
}

/** Makes the response the connection's last. */
export function endAfter(last: ServerResponse, socket: HttpSocket): void {
  last.shouldKeepAlive = false
  expectUnread(socket)
  // Not on its close, which comes before its turn if it was aborted while waiting.
  last.once('finish', () => {
    if (socket.writable) socket.destroySoon() // else node:http is ending it, and this would cut that short
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
