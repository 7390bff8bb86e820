import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import {
  type CacheRequest,
  type Fields,
  HerdgateError,
  headText,
  LightSignal,
  localAuthority,
  type Peer,
  readHead,
  type Signal,
  STATUS_CODES,
  schemeOf,
} from '../../src/for-routes.ts'
import { type Given, givenContent } from './given-content.ts'
import { closeAfter } from './last-answer.ts'
import { leavingOf } from './leaving.ts'

/**
 * The client's request, or why it is refused.
 * @param given what the hooks of an application have left of it; absent if there is no application
 */
export function readRequest(
  message: IncomingMessage,
  response: ServerResponse,
  peer: Peer,
  given: Given | undefined,
): CacheRequest | HerdgateError {
  const head = readHead({
    method: message.method ?? 'GET',
    target: targetOf(message, given),
    version: message.httpVersion,
    fields: message.rawHeaders,
    scheme: schemeOf(message, peer),
    local: () => localAuthority(message.socket),
  })
  if (!head.ok) return new HerdgateError(head.code, head.detail)
  if (head.isLast) closeAfter({ message, response })
  if (!head.hasContent || given === undefined) {
    return new ClientRequest(message, response, head.url, head.hasContent ? message : undefined, peer)
  }
  const content = givenContent(message, given)
  if (content instanceof HerdgateError) return content
  return new ClientRequest(message, response, head.url, content.body, peer, content.fields)
}

/**
 * In an application hooks and routes use what its `rewriteUrl` makes of the target, and so does this. The data port has
 * a `rewriteUrl` only so that Fastify routes nothing.
 */
function targetOf({ originalUrl, url = '' }: Rewritten, given: Given | undefined): string {
  return given === undefined ? (originalUrl ?? url) : url
}

/** Fastify keeps the original target here when it rewrites. */
type Rewritten = IncomingMessage & { readonly originalUrl?: string }

class ClientRequest implements CacheRequest {
  readonly method: string
  readonly url: string
  readonly fields: Fields
  readonly peer: Peer
  readonly body: Readable | undefined
  readonly #message: IncomingMessage
  readonly #response: ServerResponse
  #signal: LightSignal | undefined

  constructor(
    message: IncomingMessage,
    response: ServerResponse,
    url: string,
    body: Readable | undefined,
    peer: Peer,
    fields: Fields = message.rawHeaders,
  ) {
    this.method = message.method ?? 'GET'
    this.url = url
    this.fields = fields
    this.peer = peer
    this.body = body
    this.#message = message
    this.#response = response
  }

  /** Made on demand: a hit never needs it. */
  get signal(): Signal {
    this.#signal ??= abortedWith(this.#response)
    return this.#signal
  }

  get leaving(): Signal {
    return leavingOf(this.#response.socket ?? this.#message.socket) // the message may lose its own: given-content.ts
  }

  onInterim(status: number, fields: Fields): void {
    if (!this.#response.headersSent && this.#message.httpVersion !== '1.0') writeInterim(this.#response, status, fields)
  }
}

/**
 * Writes straight to the socket, which a response has once it is its turn: node:http's own method accepts one form of
 * Link field and no other field.
 */
function writeInterim({ socket }: ServerResponse, status: number, fields: Fields): void {
  socket?.write(`${headText(status, STATUS_CODES[status] ?? 'Interim', fields)}\r\n`, 'latin1')
}

function abortedWith(response: ServerResponse): LightSignal {
  const signal = new LightSignal()
  if (response.destroyed) signal.abort()
  response.once('close', () => {
    if (!response.writableFinished) signal.abort()
  })
  return signal
}
