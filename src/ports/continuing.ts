import type { IncomingMessage, RequestListener, Server } from 'node:http'

/** Requests whose clients hold back the content until 100 Continue (RFC 9110 section 10.1.1). */
const expecting = new WeakSet<IncomingMessage>()

/** Keeps node:http from sending 100 Continue before the request has been looked at. */
export function holdContinue(server: Server): void {
  server.on('checkContinue', (request, response) => {
    if (hasContent(request)) expecting.add(request)
    else response.writeContinue() // without it node:http closes the connection, in case content follows
    server.emit('request', request, response)
  })
}

const hasContent = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'

/** Sends 100 Continue unless the response has begun, the request's head having been enough for it. */
export function continueUnlessAnswered(handler: RequestListener): RequestListener {
  return (request, response) => {
    handler(request, response)
    if (expecting.has(request) && !response.headersSent) response.writeContinue()
  }
}
