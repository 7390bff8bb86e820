import type { IncomingMessage, RequestListener, Server } from 'node:http'

/** Requests whose clients wait with the content until they are told to go on (RFC 9110 section 10.1.1). */
const expecting = new WeakSet<IncomingMessage>()

/** node:http would tell them before anybody has looked at the request. */
export function holdContinue(server: Server): void {
  server.on('checkContinue', (request, response) => {
    if (hasContent(request)) expecting.add(request)
    else response.writeContinue() // without it node:http ends the connection: content might still come
    server.emit('request', request, response)
  })
}

const hasContent = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'

/** They are told to go on unless the request's head was enough for its answer, which has begun then. */
export function continueUnlessAnswered(handler: RequestListener): RequestListener {
  return (request, response) => {
    handler(request, response)
    if (expecting.has(request) && !response.headersSent) response.writeContinue()
  }
}
