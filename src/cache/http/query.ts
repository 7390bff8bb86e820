/** QUERY: a safe method whose content is part of what is asked, and so of the key. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { BodyBudget } from '../../body.ts'
import { HerdgateError } from '../../errors.ts'
import { field } from '../../fields.ts'
import type { CacheRequest } from '../../model.ts'
import { allAsRead, keyMember } from '../../policy/key.ts'

/** Longer content is passed on and its answer not stored. */
const MOST_CONTENT_BYTES = 64 * 1024

export type ReadQuery =
  | { readonly kind: 'read'; readonly request: CacheRequest; readonly key: string }
  /** Too long to be part of a key, or more than there is memory for just now. */
  | { readonly kind: 'too-long'; readonly request: CacheRequest }

/** Fields that decide what the content means. */
const DESCRIBING = ['content-type', 'content-encoding', 'content-language', 'content-location']

/**
 * Reads the content of a QUERY. The request returned has the same content, to be read as often as need be if it is
 * short.
 * @param budget what clients send slowly takes of the memory for all content in progress
 * @throws HerdgateError client_gone, when the client breaks off; what its content says by itself, where it breaks
 */
export async function readQuery(request: CacheRequest, budget: BodyBudget): Promise<ReadQuery> {
  const chunks: Buffer[] = []
  let length = 0
  let isTooLong = false
  const { body } = request
  try {
    // What is not read to its end is left as it is, to be read on, or to be let go.
    for await (const chunk of body?.iterator({ destroyOnReturn: false }) ?? []) {
      chunks.push(chunk)
      length += chunk.length
      budget.take(chunk.length)
      isTooLong = length > MOST_CONTENT_BYTES || budget.isSpent
      if (isTooLong) break
    }
  } catch (cause) {
    throw cause instanceof HerdgateError ? cause : new HerdgateError('client_gone', undefined, { cause })
  } finally {
    budget.take(-length)
  }
  const content = Buffer.concat(chunks)
  if (isTooLong && body !== undefined) return { kind: 'too-long', request: unread(request, body, content) }
  const { fields } = request
  const key = DESCRIBING.map((name) => keyMember('h', name, allAsRead(name, field(fields, name), fields))).join('')
  const hash = createHash('sha256').update(content).digest('hex')
  const read = body === undefined ? request : withContent(request, () => Readable.from([content]))
  return { kind: 'read', request: read, key: `${key}${keyMember('q', 'content', hash)}` }
}

/** The request as if nothing of its content had been read. */
function unread(request: CacheRequest, body: Readable, content: Buffer): CacheRequest {
  if (body.readableEnded) return withContent(request, () => Readable.from([content]))
  body.unshift(content)
  return request
}

function withContent(request: CacheRequest, content: () => Readable): CacheRequest {
  return {
    method: request.method,
    url: request.url,
    fields: request.fields,
    peer: request.peer,
    get body() {
      return content()
    },
    bodyAgain: content,
    get signal() {
      return request.signal
    },
    get leaving() {
      return request.leaving
    },
    onInterim: (status, fields) => request.onInterim?.(status, fields),
  }
}
