/** QUERY: a safe method whose content is part of the request's meaning, and so of the key. */
import { hash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { BodyBudget } from '../../body.ts'
import { HerdgateError } from '../../errors.ts'
import { field } from '../../fields.ts'
import type { CacheRequest } from '../../model.ts'
import { keyMember, underAnySpelling } from '../../policy/key.ts'

/** A request with longer content is passed on and its response not stored. */
const MAX_CONTENT_BYTES = 64 * 1024

export type ReadQuery =
  | { readonly kind: 'read'; readonly request: CacheRequest; readonly key: string }
  /** Too long to be part of a key, or the memory budget is spent. */
  | { readonly kind: 'too-long'; readonly request: CacheRequest }

/** Fields that decide what the content means. */
const DESCRIBING = ['content-type', 'content-encoding', 'content-language', 'content-location']

/**
 * Reads the content of a QUERY. The returned request has the same content, readable any number of times unless it is
 * too long.
 * @param budget the memory for all content in progress, against which this content counts while it is read
 * @throws HerdgateError client_gone if the client breaks off, or the stream's own HerdgateError
 */
export async function readQuery(request: CacheRequest, budget: BodyBudget): Promise<ReadQuery> {
  const chunks: Buffer[] = []
  let length = 0
  let isTooLong = false
  const { body } = request
  try {
    // If it is too long, the stream is left open: the rest is forwarded or discarded later.
    for await (const chunk of body?.iterator({ destroyOnReturn: false }) ?? []) {
      chunks.push(chunk)
      length += chunk.length
      budget.take(chunk.length)
      isTooLong = length > MAX_CONTENT_BYTES || budget.isSpent
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
  const key = DESCRIBING.map((name) => keyMember('h', name, underAnySpelling(name, field(fields, name), fields))).join(
    '',
  )
  const read = body === undefined ? request : withContent(request, () => Readable.from([content]))
  return { kind: 'read', request: read, key: `${key}${keyMember('q', 'content', hash('sha256', content))}` }
}

/** The request with its content restored as if none had been read. */
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
