import { HerdgateError } from './errors.ts'
import type { HttpSocket } from './draining.ts'
import { rawProblem } from './problem.ts'

/** What Node's parser refused. The connection is closed: nothing after it can be trusted. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: HttpSocket): void {
  const answered = socket._httpMessage?.headersSent === true // an answer is on its way: nothing may be put into it
  if (error.code === 'ECONNRESET' || !socket.writable || answered) socket.destroy()
  else socket.end(rawProblem(new HerdgateError(codeOf(error))))
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
