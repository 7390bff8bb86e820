/** Content as an application's hooks leave it: they may have made something else of what came, or have read it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { type Fields, HerdgateError } from '../../src/for-routes.ts'

/** What Fastify has of a request when the hooks have run. Of a method like GET it has no content. */
export type Given = Pick<FastifyRequest, 'body' | 'headers' | 'log'>

export interface Content {
  readonly body: Readable
  readonly fields: Fields
}

/**
 * The content to send on, with the fields that then describe it. What somebody has read already is gone, and must not
 * look like less content, or none.
 */
export function givenContent(message: IncomingMessage, given: Given): Content | HerdgateError {
  const source = given.body ?? message
  if (source instanceof Readable) {
    if (source.readableDidRead) return new HerdgateError('internal', 'a hook has read the content of the request')
    // Somebody listens along: what comes before the origin takes it would be lost.
    if (source.readableFlowing === true) source.pause()
  }
  if (source === message) return { body: message, fields: message.rawHeaders }
  if (!isContent(source)) return new HerdgateError('internal', 'a hook has replaced the content with something else')
  const body = Readable.from(octetsOf(source, message.socket), { objectMode: false })
  body.on('error', ignore) // it may come when nobody reads any more
  return { body, fields: redescribed(message.rawHeaders, given.headers) }
}

/**
 * Node's `pipeline` takes the socket from a message when what it leads to breaks.
 * @returns false where the socket is no longer known, as that of a request whose turn has not come
 */
export function restoreSocket(message: IncomingMessage, { socket }: ServerResponse): boolean {
  if (hasSocket(message)) return true
  if (socket !== null) message.socket = socket
  return socket !== null
}

const hasSocket = ({ socket }: { readonly socket: Socket | null }): boolean => socket !== null

/** Reads to the end what nobody has read: it holds up the connection. */
export function letGo(body: Readable, message: IncomingMessage, socket: Socket): void {
  body.resume()
  if (body === message) return
  // What was made of the content may have ended before it.
  const readRest = () => {
    if (message.destroyed && !message.complete) socket.destroySoon()
    else message.resume()
  }
  if (body.closed) readRest()
  else body.once('close', readRest)
}

/** A stream that breaks while nobody listens ends the process. */
export function ignoreErrors(stream: Readable): void {
  stream.on('error', ignore)
}

function ignore(): void {}

type Source = string | Uint8Array | AsyncIterable<unknown>

function isContent(source: {}): source is Source {
  return typeof source === 'string' || source instanceof Uint8Array || Symbol.asyncIterator in Object(source)
}

async function* octetsOf(source: Source, socket: Socket): AsyncGenerator<Buffer> {
  if (isOctets(source)) return yield Buffer.from(source)
  try {
    for await (const chunk of source) {
      if (!isOctets(chunk)) throw new HerdgateError('internal', 'a hook has replaced the content with something else')
      yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk)
    }
  } catch (cause) {
    if (cause instanceof HerdgateError) throw cause
    // As Fastify has it: what hooks cannot read to its end is the client's fault.
    throw new HerdgateError(socket.destroyed ? 'client_gone' : 'malformed_request', undefined, { cause })
  }
}

const isOctets = (chunk: unknown): chunk is string | Uint8Array =>
  typeof chunk === 'string' || chunk instanceof Uint8Array

/** Fields that describe the content are those that the hooks leave. How long it is nobody knows yet. */
function redescribed(received: Fields, headers: Given['headers']): Fields {
  const fields: string[] = []
  for (let at = 0; at + 1 < received.length; at += 2) {
    const name = received[at] ?? ''
    if (!isDescribing(name.toLowerCase())) fields.push(name, received[at + 1] ?? '')
  }
  for (const [name, value] of Object.entries(headers)) {
    if (isDescribing(name) && name !== 'content-length' && value !== undefined) fields.push(name, String(value))
  }
  return fields
}

const isDescribing = (name: string): boolean => name.startsWith('content-')
