import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type CacheRequest,
  type Fields,
  HerdgateError,
  localAuthority,
  type Peer,
  readHead,
  type Signal,
  schemeOf,
} from '../../src/for-routes.ts'
import { STATUS_CODES } from '../../src/node-http.ts'
import { endWith } from './last-answer.ts'
import { leavingOf } from './leaving.ts'

/** What the client asks, or why it is refused. */
export function readRequest(
  message: IncomingMessage,
  response: ServerResponse,
  peer: Peer,
): CacheRequest | HerdgateError {
  const head = readHead({
    method: message.method ?? 'GET',
    target: (message as { originalUrl?: string }).originalUrl ?? message.url ?? '',
    version: message.httpVersion,
    fields: message.rawHeaders,
    scheme: schemeOf(message, peer),
    local: () => localAuthority(message.socket),
  })
  if (!head.ok) return new HerdgateError(head.code, head.detail)
  if (head.asksForUpgrade) endWith({ message, response })
  return new ClientRequest(message, response, head.url, head.hasContent, peer)
}

class ClientRequest implements CacheRequest {
  readonly method: string
  readonly url: string
  readonly fields: Fields
  readonly peer: Peer
  readonly body: IncomingMessage | undefined
  readonly #message: IncomingMessage
  readonly #response: ServerResponse
  #signal: AbortSignal | undefined

  constructor(message: IncomingMessage, response: ServerResponse, url: string, hasContent: boolean, peer: Peer) {
    this.method = message.method ?? 'GET'
    this.url = url
    this.fields = message.rawHeaders
    this.peer = peer
    this.body = hasContent ? message : undefined
    this.#message = message
    this.#response = response
  }

  /** Made on demand: a hit never needs it. */
  get signal(): AbortSignal {
    this.#signal ??= abortedWith(this.#response)
    return this.#signal
  }

  get leaving(): Signal {
    return leavingOf(this.#message.socket)
  }

  onInterim(status: number, fields: Fields): void {
    if (!this.#response.headersSent && this.#message.httpVersion !== '1.0') writeInterim(this.#response, status, fields)
  }
}

/**
 * Straight to the socket, which a response has when it is its turn: node:http's own call takes one form of Link field
 * and no other field.
 */
function writeInterim({ socket }: ServerResponse, status: number, fields: Fields): void {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Interim'}\r\n`
  for (let at = 0; at + 1 < fields.length; at += 2) head += `${fields[at]}: ${fields[at + 1]}\r\n`
  socket?.write(`${head}\r\n`, 'latin1')
}

function abortedWith(response: ServerResponse): AbortSignal {
  const abort = new AbortController()
  if (response.destroyed) abort.abort()
  response.once('close', () => {
    if (!response.writableFinished) abort.abort()
  })
  return abort.signal
}
