/** Content as an application's hooks leave it: they may have transformed what was received, or have read it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { type Fields, HerdgateError } from '../../src/for-routes.ts'

/** What Fastify has of a request when the hooks have run. For a method like GET it has no content. */
export type Given = Pick<FastifyRequest, 'body' | 'headers' | 'log'>

export interface Content {
  readonly body: Readable
  readonly fields: Fields
}

/**
 * The content to send on, with the fields that describe it. What a hook has read is gone, and must not be passed off as
 * less content, or none.
 */
export function givenContent(message: IncomingMessage, given: Given): Content | HerdgateError {
  const source = given.body ?? message
  if (source instanceof Readable) {
    if (source.readableDidRead) return new HerdgateError('internal', 'a hook has read the content of the request')
    // A hook is listening too: what arrives before the origin takes it would be lost.
    if (source.readableFlowing === true) source.pause()
  }
  if (source === message) return { body: message, fields: message.rawHeaders }
  if (!isContent(source)) return new HerdgateError('internal', 'a hook has replaced the content with something else')
  const body = Readable.from(octetsOf(source, message.socket), { objectMode: false })
  body.on('error', ignore) // an error may come when nothing reads any more
  return { body, fields: withTransformedContent(message.rawHeaders, given.headers) }
}

/**
 * Node's `pipeline` takes the socket from a message when its destination fails.
 * @returns false if the socket is no longer known, as for a request whose turn has not come
 */
export function restoreSocket(message: IncomingMessage, { socket }: ServerResponse): boolean {
  if (hasSocket(message)) return true
  if (socket !== null) message.socket = socket
  return socket !== null
}

const hasSocket = ({ socket }: { readonly socket: Socket | null }): boolean => socket !== null

/** Reads what is left of the content, which would otherwise block the connection. */
export function drainContent(body: Readable, message: IncomingMessage, socket: Socket): void {
  body.resume()
  if (body === message) return
  // Transformed content may have ended before the original.
  const readRest = () => {
    if (message.destroyed && !message.complete) socket.destroySoon()
    else message.resume()
  }
  if (body.closed) readRest()
  else body.once('close', readRest)
}

/** Without a listener an error of the stream would end the process. */
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
    // As in Fastify: content that hooks cannot read to its end is the client's fault.
    throw new HerdgateError(socket.destroyed ? 'client_gone' : 'malformed_request', undefined, { cause })
  }
}

const isOctets = (chunk: unknown): chunk is string | Uint8Array =>
  typeof chunk === 'string' || chunk instanceof Uint8Array

/** The fields that describe the content are taken as the hooks leave them. Its length is not known yet. */
function withTransformedContent(received: Fields, headers: Given['headers']): Fields {
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
